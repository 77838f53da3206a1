import { createHash } from 'node:crypto';
import { limits } from '@flowplane/contract/limits';
import type { CatchUp } from '@flowplane/contract/schedule';
import { type CronTimes, slotsAfter, slotsWithin } from './cron.ts';

/** A schedule's times. A *slot* is a time that the cron expression names; it fires then, or late by its jitter. */
export type Timing = CronTimes & { id: string; jitterSeconds: number };

/** Who fires this late was away, rather than busy. */
const missedAfterMs = 60_000;

/** From 0 to 1, the same for a slot every time. */
function fraction(id: string, slot: Date): number {
  const hash = createHash('sha256').update(`${id} ${slot.toISOString()}`).digest();
  return hash.readUInt32BE() / 2 ** 32;
}

/** When a slot fires: late by its jitter, and always before the next slot. */
export function fireTime(timing: Timing, slot: Date): Date {
  if (timing.jitterSeconds === 0) return slot;
  const [next] = slotsAfter(timing, slot, 1);
  const room = next ? next.getTime() - slot.getTime() : Number.POSITIVE_INFINITY;
  const most = Math.min(timing.jitterSeconds * 1_000, room);
  return new Date(slot.getTime() + Math.floor(fraction(timing.id, slot) * most));
}

/** The first slot after a time; null when there is none. */
export function slotAfter(times: CronTimes, after: Date): Date | null {
  return slotsAfter(times, after, 1)[0] ?? null;
}

/** The next times at which a schedule fires, from its first slot that nobody has looked at. */
export function nextFires(timing: Timing, next: Date | null, count: number): Date[] {
  if (!next) return [];
  return [next, ...slotsAfter(timing, next, count - 1)].map((slot) => fireTime(timing, slot));
}

/**
 * The slots that are to be started at `now`, oldest first, and the first slot after all those that are over.
 *
 * A slot that is more than a minute late was missed. Of those `none` gives none, `all` the latest that `limits.waitingFires`
 * leaves room for, and `last` only the very last, unless a later slot is due anyway.
 */
export function dueSlots(
  timing: Timing & { catchUp: CatchUp },
  from: Date | null,
  now: Date,
): { due: Date[]; next: Date | null } {
  if (!from || from > now) return { due: [], next: from };
  // One more than may be started: the last may still be held up by its jitter.
  const slots = slotsWithin(timing, { from, to: now }, limits.waitingFires + 1);
  const over = slots.map((slot) => ({ slot, at: fireTime(timing, slot) })).filter(({ at }) => at <= now);
  const held = slots[over.length];
  const next = held ?? slotAfter(timing, slots.at(-1) ?? now);
  const isMissed = ({ at }: { at: Date }) => now.getTime() - at.getTime() > missedAfterMs;
  const onTime = over.filter((fire) => !isMissed(fire));
  const chosen = {
    none: onTime,
    last: onTime.length > 0 ? onTime : over.slice(-1),
    all: over,
  }[timing.catchUp];
  return { due: chosen.slice(-limits.waitingFires).map(({ slot }) => slot), next };
}
