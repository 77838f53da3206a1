import { Refusal } from '@flowplane/contract/errors';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import { seal, unseal } from '../auth/seal.ts';
import type { Context, Principal } from '../context.ts';
import { transformer } from '../transformer.ts';
import { type KeyedCall, keepCall, keptCall, keyedCall } from './keyed-call.ts';

type Options<Input> = { ctx: Context & { principal: Principal }; input: Input; path: string };

function lockName({ userId, teamId, procedure, key }: KeyedCall): string {
  return JSON.stringify([userId, teamId, procedure, key]);
}

/**
 * Makes a mutation's resolver honour `Idempotency-Key`: what it changes and what it answers are committed together, and the
 * same call again gets that answer, with `Idempotency-Replayed: true`. A call that failed changed nothing and may be repeated.
 *
 * The resolver must use the context's `db`, which is a transaction then, for its changes and never `pool` beside it: calls that
 * each hold a connection and ask for a second one wait for each other.
 *
 * @throws Refusal, as a rejection: `idempotency_in_flight` while the first call goes on, `idempotency_mismatch` when the input
 *   is another.
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function once<Input, Output>(
  resolve: (options: Options<Input>) => Promise<Output>,
): (options: Options<Input>) => Promise<Output> {
  return async (options) => {
    const { ctx } = options;
    const call = keyedCall(ctx, options);
    if (!call) return resolve(options);
    const name = lockName(call);
    const key = ctx.auth.idempotencySeal;
    const answer = await inTransaction(ctx.database.db, async (db) => {
      const lock = await sql<{
        got: boolean;
      }>`select pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) as got`.execute(db);
      if (!lock.rows[0]?.got) {
        throw new Refusal('idempotency_in_flight', 'The first request with this Idempotency-Key is still under way.');
      }
      const kept = await keptCall(db, call);
      if (kept?.sealed_output) {
        ctx.response.headers['idempotency-replayed'] = 'true';
        return transformer.deserialize<Output>(JSON.parse(unseal(key, kept.sealed_output, name)));
      }
      const database = { ...ctx.database, db };
      const output = await resolve({ ...options, ctx: { ...ctx, database, auth: { ...ctx.auth, database } } });
      const sealed = seal(key, JSON.stringify(transformer.serialize(output)), name);
      await keepCall(db, call, { sealed_output: sealed, resource_id: null });
      return output;
    });
    // Who looked a webhook up meanwhile found, and remembered, what was there before the commit.
    ctx.webhooks.forget();
    return answer;
  };
}
