import type {
  Credential,
  credentialCreateInput,
  credentialDeleteInput,
  credentialListInput,
} from '@flowplane/contract/credential';
import { Refusal } from '@flowplane/contract/errors';
import { cursorOf, idOfCursor } from '@flowplane/contract/page';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import type { CredentialsTable } from '@flowplane/db/tables/credentials';
import { inTransaction } from '@flowplane/db/transaction';
import type { Selectable } from 'kysely';
import type { z } from 'zod';
import { checkCredential } from './check.ts';
import { lockCredential } from './lock.ts';
import { requireRoom } from './room.ts';
import { adopt, keepValues } from './stored-values.ts';
import type { Vault } from './vault.ts';

/** Whose credentials. */
export type Scope = { db: Db; teamId: string; vault: Vault };

type Row = Selectable<CredentialsTable>;

const shown = [
  'id',
  'name',
  'kind',
  'allowed_hosts',
  'fields',
  'revision',
  'created_at',
  'updated_at',
  'last_used_at',
] as const;

export function credentialOf(row: Pick<Row, (typeof shown)[number]>): Credential {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    allowedHosts: row.allowed_hosts,
    fields: row.fields,
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastUsedAt: row.last_used_at,
  };
}

export function noCredential(id: string): Refusal {
  return new Refusal('not_found', `There is no credential ${id} in this team.`);
}

/** The names of the values that are there. */
export function fieldsOf(values: Record<string, string | undefined>): string[] {
  return Object.keys(values).filter((name) => values[name] !== undefined);
}

/** @throws Refusal `invalid_input` naming the field, `unavailable`, `quota_reached`. */
export async function createCredential(
  { db, teamId, vault }: Scope,
  input: z.output<typeof credentialCreateInput>,
): Promise<Credential> {
  const { name, kind, values, allowedHosts } = input;
  checkCredential(vault.rules, { kind, values, allowedHosts });
  const id = newId();
  const stored = await keepValues(vault, { teamId, id, kind }, values);
  return inTransaction(db, async (tx) => {
    await requireRoom(tx, teamId);
    const row = await tx
      .insertInto('credentials')
      .values({
        id,
        team_id: teamId,
        name,
        kind,
        allowed_hosts: allowedHosts,
        fields: fieldsOf(values),
        ...stored,
        last_used_at: null,
      })
      .returning(shown)
      .executeTakeFirstOrThrow();
    await adopt(tx, stored);
    return credentialOf(row);
  });
}

/** @throws Refusal `not_found`. */
export async function getCredential({ db, teamId }: Pick<Scope, 'db' | 'teamId'>, id: string): Promise<Credential> {
  const row = await db
    .selectFrom('credentials')
    .select(shown)
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noCredential(id);
  return credentialOf(row);
}

/** A page of the team's credentials, newest first. */
export async function listCredentials(
  { db, teamId }: Pick<Scope, 'db' | 'teamId'>,
  { limit, cursor }: z.output<typeof credentialListInput>,
): Promise<{ items: Credential[]; nextCursor: string | null }> {
  let query = db
    .selectFrom('credentials')
    .select(shown)
    .where('team_id', '=', teamId)
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (cursor) query = query.where('id', '<', idOfCursor(cursor));
  const rows = await query.execute();
  const items = rows.slice(0, limit).map(credentialOf);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? cursorOf(last.id) : null };
}

/** Deletes a credential; what AWS has of it goes with the next `removeSecrets`. @throws Refusal `not_found`, `precondition_failed`. */
export async function deleteCredential(
  { db, teamId }: Pick<Scope, 'db' | 'teamId'>,
  input: z.output<typeof credentialDeleteInput>,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { id } = await lockCredential(tx, teamId, input);
    await tx.deleteFrom('credentials').where('id', '=', id).execute();
  });
}
