import type { RequestParts } from '@flowplane/contract/credential-kind';
import { Refusal } from '@flowplane/contract/errors';
import { id as idSchema } from '@flowplane/contract/id';
import { createRedactor, type Redactor } from './redact.ts';
import { usableValues } from './stored-values.ts';
import { credentialsOf, type KnownCredential, openCredential, secretsAmong } from './use.ts';
import type { Vault } from './vault.ts';

/** The credentials of one run: takes their secrets out of whatever the run stores or shows, those too that it used since they changed. */
export type RunCredentials = Redactor & {
  /** What to add to a request. @throws Refusal, whose code and message are for the author. */
  use(id: string, url: string): Promise<RequestParts & { secretHeaders: string[] }>;
};

/** What runs workflows needs of credentials: names nothing of ours, so that the engine can declare the same and be given this. */
export type Credentials = {
  /** Those that the team has, by id: what is missing must be refused, when a workflow is saved and when it runs. */
  known(teamId: string, ids: readonly string[]): Promise<ReadonlyMap<string, KnownCredential>>;
  /** Opens those that a run may use. @throws Refusal `unavailable`. */
  open(teamId: string, ids: readonly string[]): Promise<RunCredentials>;
};

/** A credential that cannot be read cannot have been used either, so there is nothing of it to redact. */
async function secretsOf(vault: Vault, teamId: string, id: string): Promise<string[]> {
  const row = await vault.database.db
    .selectFrom('credentials')
    .select(['id', 'team_id', 'kind', 'allowed_hosts', 'key_id', 'sealed', 'reference'])
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) return [];
  try {
    return secretsAmong(row.kind, await usableValues(vault, row, []));
  } catch (error) {
    if (error instanceof Refusal && error.code === 'credential_unreadable') return [];
    throw error;
  }
}

/** The vault as the engine sees it. */
export function credentialsFor(vault: Vault): Credentials {
  return {
    known: (teamId, ids) => credentialsOf(vault, teamId, ids),
    async open(teamId, ids) {
      const valid = new Set(ids.flatMap((id) => idSchema.safeParse(id).data ?? []));
      const secrets = new Set((await Promise.all([...valid].map((id) => secretsOf(vault, teamId, id)))).flat());
      let redactor = createRedactor([...secrets]);
      return {
        text: (text) => redactor.text(text),
        json: (value) => redactor.json(value),
        async use(id, url) {
          const opened = await openCredential(vault, { teamId, id, url });
          const before = secrets.size;
          for (const secret of opened.secrets) secrets.add(secret);
          if (secrets.size > before) redactor = createRedactor([...secrets]);
          return opened.parts;
        },
      };
    },
  };
}
