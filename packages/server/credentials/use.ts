import type { RequestParts } from '@flowplane/contract/credential-kind';
import { type CredentialKindName, kindOf } from '@flowplane/contract/credential-kinds';
import { Refusal } from '@flowplane/contract/errors';
import { coversHost, hostOfUrl } from '@flowplane/contract/host-pattern';
import { id as idSchema } from '@flowplane/contract/id';
import { sql } from 'kysely';
import { noCredential } from './credentials.ts';
import { usableValues, type Values } from './stored-values.ts';
import type { Vault } from './vault.ts';

/** Notes the use, to the minute: more would make every request a write. */
export async function noteUse({ database }: Vault, { id, last_used_at }: { id: string; last_used_at: Date | null }) {
  if (last_used_at && Date.now() - last_used_at.getTime() < 60_000) return;
  await database.db.updateTable('credentials').set({ last_used_at: sql<Date>`now()` }).where('id', '=', id).execute();
}

/** What a credential adds to a request, and the secrets that are in it. */
export type OpenedCredential = { parts: RequestParts & { secretHeaders: string[] }; secrets: string[] };

/** The secrets among the values of a kind. */
export function secretsAmong(kind: CredentialKindName, values: Values): string[] {
  return kindOf(kind).secret.flatMap((field) => values[field] ?? []);
}

/**
 * What a credential adds to a request to `url`. The kinds of credential that no request carries as they are have nothing to add.
 *
 * `secretHeaders` are for the guarded fetch, which drops them when a redirect leaves the origin.
 *
 * @throws Refusal `not_found` also for another team's, `credential_host_not_allowed`, `credential_unreadable`, `unavailable`, and
 *   `invalid_input` for a kind that requests do not carry.
 */
export async function openCredential(
  vault: Vault,
  { teamId, id, url }: { teamId: string; id: string; url: string },
): Promise<OpenedCredential> {
  const row = await vault.database.db
    .selectFrom('credentials')
    .select(['id', 'team_id', 'kind', 'allowed_hosts', 'key_id', 'sealed', 'reference', 'last_used_at'])
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noCredential(id);
  const kind = kindOf(row.kind);
  const host = hostOfUrl(url);
  // Of kinds that are not sent too: their hosts, none, allow nothing.
  if (host === undefined || !coversHost(row.allowed_hosts, host)) {
    const what = host === undefined ? 'what is not a URL of the web' : host;
    throw new Refusal(
      'credential_host_not_allowed',
      `The credential ${id} may not be sent to ${what}: its allowedHosts do not name it.`,
    );
  }
  const values = await usableValues(vault, row, [host]);
  const parts = kind.request(values);
  if (!parts) throw new Refusal('invalid_input', `A ${row.kind} credential is not sent in requests as it is.`);
  await noteUse(vault, row);
  return { parts: { ...parts, secretHeaders: Object.keys(parts.headers) }, secrets: secretsAmong(row.kind, values) };
}

/** What a credential adds to a request to `url`. @throws Refusal like {@link openCredential}. */
export async function useCredential(
  vault: Vault,
  request: { teamId: string; id: string; url: string },
): Promise<OpenedCredential['parts']> {
  return (await openCredential(vault, request)).parts;
}

/** What others need to know of a credential to refuse it or not. */
export type KnownCredential = { kind: CredentialKindName; allowedHosts: readonly string[] };

/** Those of some credentials that the team has, by id in lower case. What is missing is unknown or another team's. */
export async function credentialsOf(
  { database }: Pick<Vault, 'database'>,
  teamId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, KnownCredential>> {
  const valid = ids.flatMap((id) => idSchema.safeParse(id).data ?? []);
  if (valid.length === 0) return new Map();
  const rows = await database.db
    .selectFrom('credentials')
    .select(['id', 'kind', 'allowed_hosts'])
    .where('team_id', '=', teamId)
    .where('id', '=', sql<string>`any(${[...new Set(valid)]}::uuid[])`)
    .execute();
  return new Map(rows.map(({ id, kind, allowed_hosts }) => [id, { kind, allowedHosts: allowed_hosts }]));
}
