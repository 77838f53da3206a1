import { about, isSetting, type Settings, settings } from './settings.ts';

/** The settings, or one line per mistake. */
export type Read = { settings: Settings } | { mistakes: string[] };

/** Insertions, deletions and replacements between two names: https://en.wikipedia.org/wiki/Levenshtein_distance */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + Number(letter !== other)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The setting that was probably meant, if any: a slip or two away, or the one with more or less at its end. */
function closest(unknown: string): string | undefined {
  const name = unknown.toUpperCase().slice(0, 100);
  const [first] = Object.keys(settings.shape)
    .map((known) => ({ known, slips: known.startsWith(name) || name.startsWith(known) ? 0 : distance(name, known) }))
    .sort((one, other) => one.slips - other.slips);
  return first && first.slips <= 3 ? first.known : undefined;
}

function given(name: string, value: string | undefined): string {
  if (isSetting(name) && about(name).secret) return `${value?.length ?? 0} characters`;
  return JSON.stringify(value?.slice(0, 100));
}

/** The region that a queue's URL names; AWS refuses requests that are signed for another. */
function regionOf(queueUrl: string | undefined): string | undefined {
  return /^https:\/\/sqs(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)/.exec(queueUrl ?? '')?.[1];
}

/** Settings that are worth nothing without another one. */
const pairs = [
  ['GITHUB_CLIENT_ID', 'GITHUB_CLIENT_SECRET'],
  ['GITHUB_CLIENT_SECRET', 'GITHUB_CLIENT_ID'],
  ['OIDC_ISSUER', 'OIDC_CLIENT_ID'],
  ['OIDC_CLIENT_ID', 'OIDC_ISSUER'],
  ['CLERK_SECRET_KEY', 'CLERK_FRONTEND_URL'],
] as const;

function alone(settings: Settings | undefined): string[] {
  const found = pairs.filter(([one, other]) => settings?.[one] !== undefined && settings[other] === undefined);
  return found.map(([one, other]) => `${other} is not set, but must be when ${one} is`);
}

/**
 * Reads the settings from `.env` and the environment, which wins. An empty value counts as absent. Names that are not
 * settings are mistakes in `.env`, which is ours alone; the environment is full of other programs' names.
 *
 * @returns a line for each mistake that names the variable, what was given and what is accepted.
 */
export function readSettings(
  environment: Record<string, string | undefined>,
  dotEnv: Record<string, string | undefined>,
): Read {
  const unknown = Object.keys(dotEnv)
    .filter((name) => !isSetting(name))
    .map((name) => {
      const meant = closest(name);
      return `${name} in .env is not a setting${meant ? `; did you mean ${meant}?` : '; .env.example lists them all'}`;
    });
  const all = { ...dotEnv, ...environment };
  const values = Object.fromEntries(Object.entries(all).filter(([name, value]) => isSetting(name) && value !== ''));
  const parsed = settings.safeParse(values);
  const wrong = (parsed.error?.issues ?? []).map((issue) => {
    const name = String(issue.path[0]);
    return `${name} is ${given(name, all[name])}, but must be ${issue.message}`;
  });
  const missing =
    parsed.data?.ENVIRONMENT === 'production' && !parsed.data.SECRET_KEY
      ? ['SECRET_KEY is not set, but must be at least 32 characters in production, e.g. from: openssl rand -base64 48']
      : [];
  const sender =
    parsed.data?.SMTP_HOST && !parsed.data.MAIL_FROM
      ? ['MAIL_FROM is not set, but must be the sender of mails when SMTP_HOST is set']
      : [];
  const unlimited =
    parsed.data?.ENVIRONMENT === 'production' &&
    parsed.data.RATE_LIMIT_PER_MINUTE === 0 &&
    parsed.data.RATE_LIMIT_OFF_IN_PRODUCTION === 'no'
      ? [
          'RATE_LIMIT_PER_MINUTE is "0", but must be at least 1 in production, or RATE_LIMIT_OFF_IN_PRODUCTION must be yes',
        ]
      : [];
  const named = (parsed.data?.CREDENTIAL_REFERENCES ?? []).flatMap((rule) => /^env:([^@]*)@/.exec(rule)?.[1] ?? []);
  const ours = named
    .filter(isSetting)
    .map((name) => `CREDENTIAL_REFERENCES names ${name}, but must name no setting of Flowplane`);
  const region = parsed.data && regionOf(parsed.data.WORKFLOW_QUEUE_URL);
  const abroad =
    region && region !== parsed.data?.AWS_REGION
      ? [`AWS_REGION is "${parsed.data?.AWS_REGION}", but must be ${region}, the region of WORKFLOW_QUEUE_URL`]
      : [];
  const mistakes = [
    ...unknown,
    ...wrong,
    ...missing,
    ...sender,
    ...unlimited,
    ...ours,
    ...abroad,
    ...alone(parsed.data),
  ];
  return parsed.success && mistakes.length === 0 ? { settings: parsed.data } : { mistakes };
}
