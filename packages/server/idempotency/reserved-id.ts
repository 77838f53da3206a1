import { newId } from '@flowplane/db/id';
import type { Context, Principal } from '../context.ts';
import { keepCall, keptCall, keyedCall } from './keyed-call.ts';

/**
 * The id that what a keyed call makes is to have, the same for every repeat of the call: for work that outlives a transaction.
 * Undefined when the caller sent no key.
 *
 * @throws Refusal `idempotency_mismatch`.
 */
export async function reservedId(
  ctx: Context & { principal: Principal },
  options: { path: string; input: unknown },
): Promise<string | undefined> {
  const call = keyedCall(ctx, options);
  if (!call) return undefined;
  const { db } = ctx.database;
  const before = await keptCall(db, call);
  if (!before) await keepCall(db, call, { sealed_output: null, resource_id: newId() });
  const kept = before ?? (await keptCall(db, call));
  return kept?.resource_id ?? undefined;
}
