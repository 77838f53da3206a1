import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { afterCommit, inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import { recordDone } from '../audit/done.ts';
import { seal, unseal } from '../auth/seal.ts';
import type { Context, Principal } from '../context.ts';
import { transformer } from '../transformer.ts';
import { type KeyedCall, keepCall, keptCall, keyedCall } from './keyed-call.ts';

type Options<Input> = { ctx: Context & { principal: Principal }; input: Input; path: string };
type Resolve<Input, Output> = (options: Options<Input>) => Promise<Output>;

function lockName({ userId, teamId, procedure, key }: KeyedCall): string {
  return JSON.stringify([userId, teamId, procedure, key]);
}

/** `options` with a context of which everything is in a transaction. */
function within<Input>(db: Db, { ctx, ...options }: Options<Input>): Options<Input> {
  const database = { ...ctx.database, db };
  // Who looks a webhook up before the commit finds, and remembers, what was there.
  const forget = () => void afterCommit(db, () => ctx.webhooks.forget());
  return {
    ...options,
    ctx: { ...ctx, database, auth: { ...ctx.auth, database }, webhooks: { ...ctx.webhooks, forget } },
  };
}

/** The answer that was given before, or else the one of `work`, which is kept. */
async function answered<Output>(
  { db, ctx }: { db: Db; ctx: Context },
  call: KeyedCall,
  work: () => Promise<Output>,
): Promise<Output> {
  const name = lockName(call);
  const key = ctx.auth.idempotencySeal;
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
  const output = await work();
  const sealed = seal(key, JSON.stringify(transformer.serialize(output)), name);
  await keepCall(db, call, { sealed_output: sealed, resource_id: null });
  return output;
}

/**
 * Makes a mutation's resolver one that happens once, with its row in the audit log: what it changes and that row are committed
 * together. With an `Idempotency-Key` so is what it answers, and the same call again gets that answer, with `Idempotency-Replayed:
 * true` and without another row. A call that failed changed nothing and may be repeated.
 *
 * The resolver must use the context's `db`, which is a transaction then, for its changes and never `pool` beside it: calls that
 * each hold a connection and ask for a second one wait for each other. What it has this process forget or remember of its changes
 * comes `afterCommit`.
 *
 * @throws Refusal, as a rejection: `idempotency_in_flight` while the first call goes on, `idempotency_mismatch` when the input
 *   is another.
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function once<Input, Output>(resolve: Resolve<Input, Output>): Resolve<Input, Output> {
  return async (options) => {
    const { ctx } = options;
    const call = keyedCall(ctx, options);
    if (!call && ctx.audit === false) return resolve(options);
    return inTransaction(ctx.database.db, (db) => {
      const work = async () => {
        const output = await resolve(within(db, options));
        await recordDone(db, options, output);
        return output;
      };
      return call ? answered({ db, ctx }, call, work) : work();
    });
  };
}
