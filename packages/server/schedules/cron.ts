import type { FieldError } from '@flowplane/contract/errors';
import { Cron } from 'croner';

/** When a schedule fires, before jitter. */
export type CronTimes = { cron: string; timezone: string };

const nicknames = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/i;

function parse({ cron, timezone }: CronTimes): Cron {
  return new Cron(cron, { timezone, paused: true, mode: cron.startsWith('@') ? 'auto' : '5-or-6-parts' });
}

function isTimezone(timezone: string): boolean {
  // The platform also knows offsets such as +02:00, which follow no clock of any place.
  if (!/^[A-Za-z]/.test(timezone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return true;
  } catch {
    return false;
  }
}

function cronMistake(times: CronTimes, now: Date): string | undefined {
  const { cron } = times;
  const fields = cron.trim().split(/\s+/).length;
  if (!nicknames.test(cron) && (fields < 5 || fields > 6)) {
    return 'must have five fields (minute, hour, day of month, month, weekday), or six with seconds before them';
  }
  // What has a colon would be taken for a date.
  if (cron.includes(':')) return 'is not a cron expression: it has a colon';
  try {
    return parse(times).nextRun(now) ? undefined : 'never fires: there is no such day';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `is not a cron expression: ${error.message.replace(/^Cron\w*: /, '')}`;
  }
}

/**
 * What is wrong with a cron expression and its time zone; empty when it fires at some time after `now`.
 *
 * @see https://croner.56k.guru for the syntax: `L`, `W` and `#` besides the usual, and `+` before a weekday that must hold
 *   together with the day of the month.
 */
export function cronErrors(times: CronTimes, now: Date): FieldError[] {
  if (!isTimezone(times.timezone)) {
    return [{ path: 'timezone', message: 'must be an IANA time zone such as Europe/Paris or UTC' }];
  }
  const message = cronMistake(times, now);
  return message ? [{ path: 'cron', message }] : [];
}

/** The first times after `after` that a valid cron expression names, at most `count`. */
export function slotsAfter(times: CronTimes, after: Date, count: number): Date[] {
  return parse(times).nextRuns(count, after);
}

/** The latest times from `from` to `to`, both included, at most `count`, oldest first. */
export function slotsWithin(times: CronTimes, { from, to }: { from: Date; to: Date }, count: number): Date[] {
  const parsed = parse(times);
  const slots: Date[] = [];
  // Slots are whole seconds: the first moment that is too late for one is the second after.
  let before = new Date((Math.floor(to.getTime() / 1_000) + 1) * 1_000);
  while (slots.length < count) {
    const [slot] = parsed.previousRuns(1, before);
    if (!slot || slot < from) break;
    slots.push(slot);
    before = slot;
  }
  return slots.reverse();
}
