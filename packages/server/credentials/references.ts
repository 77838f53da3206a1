import { Refusal } from '@flowplane/contract/errors';
import { canonicalPattern, coversHost } from '@flowplane/contract/host-pattern';
import type { SecretsManager } from './secrets-manager.ts';

/** What an operator lets values name, and to which hosts that may be sent: `env:SHOP_TOKEN` to `api.shop.example`. */
export type ReferenceRule = { reference: string; host: string };

/** Whether a value names where the secret is kept. No real secret starts like this; one that did could not be told apart. */
export function isReference(value: string): boolean {
  return /^(env|aws-sm):/.test(value);
}

/**
 * Reads an operator's rules: `env:NAME@host` or `aws-sm:<ARN>@host`. The host is part of a rule because tenants choose the
 * hosts of their credentials, and would otherwise send themselves whatever they may name.
 *
 * @throws TypeError naming the first that is none.
 */
export function parseReferenceRules(entries: readonly string[]): ReferenceRule[] {
  return entries.map((entry) => {
    const [, reference = '', hostText = ''] =
      /^(env:[A-Za-z_][A-Za-z0-9_]*|aws-sm:arn:[\w:/+=.@-]+)@([^@]+)$/.exec(entry) ?? [];
    const host = canonicalPattern(hostText);
    if (reference && host) return { reference, host };
    throw new TypeError(`"${entry}" is not env:NAME@host or aws-sm:<ARN>@host`);
  });
}

/** Whether requests to all of these hosts may carry what a reference stands for; a secret that is not sent has none. */
export function mayName(rules: readonly ReferenceRule[], reference: string, hosts: readonly string[]): boolean {
  const own = rules.filter((rule) => rule.reference === reference).map(({ host }) => host);
  return own.length > 0 && hosts.every((host) => coversHost(own, host));
}

/** Where references are looked up. */
export type ReferenceSources = {
  rules: readonly ReferenceRule[];
  environment: (name: string) => string | undefined;
  secretsManager: Pick<SecretsManager, 'read'>;
  lately: { get(name: string): string | undefined; set(name: string, secret: string): unknown };
};

/**
 * The secret that a reference stands for.
 *
 * @param hosts where it is going to be sent.
 * @throws Refusal `credential_unreadable` when the operator does not allow that, or there is none.
 */
export async function resolveReference(
  { rules, environment, secretsManager, lately }: ReferenceSources,
  reference: string,
  hosts: readonly string[],
): Promise<string> {
  if (!mayName(rules, reference, hosts)) {
    throw new Refusal('credential_unreadable', 'The operator does not let this credential use the secret it names.');
  }
  const name = reference.slice(reference.indexOf(':') + 1);
  const isEnvironment = reference.startsWith('env:');
  const value = isEnvironment ? environment(name) : (lately.get(name) ?? (await secretsManager.read(name)));
  if (value && !isEnvironment) lately.set(name, value);
  if (value) return value;
  throw new Refusal('credential_unreadable', `There is no ${reference} on the server: ask the operator to set it.`);
}
