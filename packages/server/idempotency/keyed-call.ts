import { createHmac } from 'node:crypto';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import type { Context, Principal } from '../context.ts';

/** A call with an `Idempotency-Key`: whose, of what, and with which input. */
export type KeyedCall = { teamId: string; userId: string; procedure: string; key: string; inputHash: string };

/** How long a key is remembered. */
const hours = 24;

/**
 * The call as it is kept, when the caller sent a key.
 *
 * @throws Refusal `invalid_input` for a key that is no 1 to 255 printable ASCII characters.
 */
export function keyedCall(
  ctx: Context & { principal: Principal },
  { path, input }: { path: string; input: unknown },
): KeyedCall | undefined {
  const key = ctx.request.idempotencyKey;
  if (key === undefined) return undefined;
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new Refusal('invalid_input', 'Idempotency-Key must be 1 to 255 printable ASCII characters.');
  }
  const { teamId, userId } = ctx.principal;
  // Keyed, because a plain hash lets whoever reads the table try out passwords that were sent.
  const text = JSON.stringify(input) ?? '';
  const inputHash = createHmac('sha256', ctx.auth.idempotencySeal).update(text).digest('hex');
  return { teamId, userId, procedure: path, key, inputHash };
}

/** What is kept of a call; undefined the first time. @throws Refusal `idempotency_mismatch` when its input was another. */
export async function keptCall(db: Db, call: KeyedCall) {
  const kept = await db
    .selectFrom('idempotency_keys')
    .select(['input_hash', 'sealed_output', 'resource_id'])
    .where('user_id', '=', call.userId)
    .where('team_id', '=', call.teamId)
    .where('procedure', '=', call.procedure)
    .where('key', '=', call.key)
    .executeTakeFirst();
  if (kept && kept.input_hash !== call.inputHash) {
    throw new Refusal('idempotency_mismatch', 'This Idempotency-Key was sent with another request; use a new key.');
  }
  return kept;
}

/** Keeps a call, and removes some that are older than a day, so that no timer is needed for it. */
export async function keepCall(
  db: Db,
  { teamId, userId, procedure, key, inputHash }: KeyedCall,
  what: { sealed_output: string | null; resource_id: string | null },
): Promise<void> {
  await db
    .insertInto('idempotency_keys')
    .values({ team_id: teamId, user_id: userId, procedure, key, input_hash: inputHash, ...what })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const old = db
    .selectFrom('idempotency_keys')
    .select(sql`ctid`.as('ctid'))
    .where('created_at', '<', sql<Date>`now() - make_interval(hours => ${hours})`)
    .limit(100)
    .forUpdate()
    .skipLocked();
  await db.deleteFrom('idempotency_keys').where(sql`ctid`, 'in', old).execute();
}
