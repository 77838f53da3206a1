import { Refusal } from '@flowplane/contract/errors';
import type { Permission } from '@flowplane/contract/permissions';
import { tierLimits } from '@flowplane/contract/tiers';
import type { Reader } from '@flowplane/engine/streams/places';
import type { EventStream } from '@flowplane/engine/streams/streams';
import { type TrackedEnvelope, tracked } from '@trpc/server';
import type { Context, Principal } from './context.ts';

/** How soon a stream ends after its caller may no longer read it. */
const checkMs = 10_000;

type Caller = Context & { principal: Principal };

/** Whose streams are counted together, and how many there may be; a tier without limits has what its team has. */
function readerOf({ userId, tier }: Principal): Reader | undefined {
  const limits = tierLimits[tier];
  return limits ? { id: `user:${userId}`, most: limits.streams } : undefined;
}

async function stillAllowed({ principal, authenticateAgain }: Caller, permission: Permission): Promise<boolean> {
  try {
    const now = authenticateAgain ? await authenticateAgain() : principal;
    return now?.userId === principal.userId && now.teamId === principal.teamId && now.permissions.has(permission);
  } catch (error) {
    // Anything but a refusal, e.g. that the database is away, says nothing about the caller.
    return !(error instanceof Refusal);
  }
}

/**
 * Opens a stream for a subscription. It ends with the request, and within some seconds after the caller has lost the access
 * that it was opened with: signed out, key revoked, token expired, another role.
 *
 * @param options.open opens the stream of the engine; undefined when there is nothing with the id.
 * @param options.missing what is thrown then.
 * @throws Refusal as `missing` gives it, `unavailable`, or `rate_limited` when the caller has too many open.
 */
export async function openStream<Event>(
  ctx: Caller,
  options: {
    permission: Permission;
    signal: AbortSignal | undefined;
    open: (signal: AbortSignal, reader: Reader | undefined) => Promise<EventStream<Event> | undefined>;
    missing: () => Refusal;
  },
): Promise<AsyncGenerator<TrackedEnvelope<Event>, void, undefined>> {
  const { permission, signal, open, missing } = options;
  const controller = new AbortController();
  const timer = setInterval(async () => {
    if (!(await stillAllowed(ctx, permission))) end();
  }, checkMs);
  function end(): void {
    clearInterval(timer);
    signal?.removeEventListener('abort', end);
    controller.abort();
  }
  if (signal?.aborted) end();
  else signal?.addEventListener('abort', end);

  async function* named(events: EventStream<Event>): AsyncGenerator<TrackedEnvelope<Event>, void, undefined> {
    try {
      for await (const { id, event } of events) yield tracked(id, event);
    } finally {
      end();
    }
  }

  try {
    const events = await open(controller.signal, readerOf(ctx.principal));
    if (!events) throw missing();
    return named(events);
  } catch (error) {
    end();
    throw error;
  }
}
