import { type ErrorCode, Refusal } from '@flowplane/contract/errors';
import { id as idSchema } from '@flowplane/contract/id';
import type { Db } from '@flowplane/db/database';
import { isTransient } from '@flowplane/db/retry';
import { TRPCError } from '@trpc/server';
import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';
import { type AuditEvent, record } from './record.ts';
import { type AuditRule, type Resource, resourceOf } from './resource.ts';

/** Refusals of one caller that are recorded in a minute. */
const most = 20;

/** What was refused to a caller lately. One per process. */
export type Refusals = LRUCache<string, { count: number; seen: Set<string> }>;

/** Whose refusals are counted together; and what was refused, if the same is to be recorded once. */
type Counted = { caller: string; what?: string };

export function createRefusals(): Refusals {
  return new LRUCache({ max: 10_000, ttl: 60_000 });
}

/** What tells of somebody who tries what is not theirs. */
const telling: ReadonlySet<ErrorCode> = new Set(['forbidden', 'not_found', 'invalid_credentials']);

/** Counts a refusal. @returns whether it is recorded: the first ones, the last one for now, or not at all. */
function countRefusal(refusals: Refusals, { caller, what }: Counted): 'yes' | 'last' | 'no' {
  const counted = refusals.get(caller) ?? { count: 0, seen: new Set() };
  if (counted.count === 0) refusals.set(caller, counted);
  if (counted.count > most || (what !== undefined && counted.seen.has(what))) return 'no';
  if (what !== undefined) counted.seen.add(what);
  counted.count += 1;
  return counted.count > most ? 'last' : 'yes';
}

/**
 * Records that a call was refused, outside of its transaction, which is none. Of one caller 20 in a minute, and one more that says
 * that further ones are not: nobody fills the log by guessing ids, or by asking again and again.
 */
export async function recordRefusal(
  { db, refusals }: { db: Db; refusals: Refusals },
  counted: Counted,
  event: AuditEvent & { code: ErrorCode },
): Promise<void> {
  const recorded = countRefusal(refusals, counted);
  if (recorded === 'no') return;
  try {
    await record(db, recorded === 'last' ? { ...event, details: { further: 'not recorded' } } : event);
  } catch (error) {
    // Nothing was done that would have to be undone; and who is refused is to hear why, not that the database is away.
    if (!isTransient(error)) throw error;
  }
}

function codeOf(error: unknown): ErrorCode | undefined {
  const cause = error instanceof TRPCError ? error.cause : error;
  return cause instanceof Refusal && telling.has(cause.code) ? cause.code : undefined;
}

/** What a call was refused for. An id is recorded only if it is one: somebody may have pasted anything there. */
function refusedResource(action: string, rule: AuditRule | undefined, input: unknown): Resource {
  const { type, id } = resourceOf({ action, rule, userId: null }, input);
  return { type, id: idSchema.safeParse(id).data ?? null };
}

/** Records the end of a call that was refused to a signed-in caller, if it tells of somebody who tries what is not theirs. */
export async function noteRefusal(
  { principal, auth, request }: Pick<Context, 'principal' | 'auth' | 'request'>,
  call: { action: string; rule: AuditRule | undefined; getInput: () => Promise<unknown> },
  error: unknown,
): Promise<void> {
  const code = codeOf(error);
  if (!code || !principal) return;
  const input = await call.getInput().catch(() => undefined);
  const { action } = call;
  const resource = refusedResource(action, call.rule, input);
  const counted = { caller: principal.userId, what: `${action} ${code} ${resource.id}` };
  const log = { db: auth.database.db, refusals: auth.refusals };
  await recordRefusal(log, counted, { action, by: principal, from: request, resource, code });
}
