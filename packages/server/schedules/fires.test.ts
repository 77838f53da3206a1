import { limits } from '@flowplane/contract/limits';
import { catchUp } from '@flowplane/contract/schedule';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { slotsAfter } from './cron.ts';
import { dueSlots, fireTime, nextFires } from './fires.ts';

const minutely = { id: 's', cron: '* * * * *', timezone: 'UTC', jitterSeconds: 0 };
const at = (time: string) => new Date(`2026-05-01T${time}Z`);
const policies = catchUp.unwrap().options;

function due(policy: (typeof policies)[number], from: string, now: string, more = {}): string[] {
  const { due } = dueSlots({ ...minutely, ...more, catchUp: policy }, at(from), at(now));
  return due.map((slot) => slot.toISOString().slice(11, 16));
}

test('nothing is due before the next slot, and it is kept', () => {
  const next = at('12:00:00');
  expect(dueSlots({ ...minutely, catchUp: 'all' }, next, at('11:59:59'))).toEqual({ due: [], next });
  expect(dueSlots({ ...minutely, catchUp: 'all' }, null, at('11:59:59'))).toEqual({ due: [], next: null });
});

test('what is due on time is started whatever the policy, and the next slot is the one after', () => {
  for (const policy of policies) {
    const now = at('12:00:00');
    expect(dueSlots({ ...minutely, catchUp: policy }, now, now)).toEqual({ due: [now], next: at('12:01:00') });
  }
});

test('after an hour away a minutely schedule makes up for nothing, the last or all, as it is set', () => {
  // The latest slot is in time again at 13:00:30, and too late at 13:00 exactly of an hourly one.
  expect(due('none', '12:01:00', '13:00:30')).toEqual(['13:00']);
  expect(due('last', '12:01:00', '13:00:30')).toEqual(['13:00']);
  expect(due('all', '12:01:00', '13:00:30')).toHaveLength(60);
  const hourly = { cron: '0 * * * *' };
  expect(due('none', '10:00:00', '13:30:00', hourly)).toEqual([]);
  expect(due('last', '10:00:00', '13:30:00', hourly)).toEqual(['13:00']);
  expect(due('all', '10:00:00', '13:30:00', hourly)).toEqual(['10:00', '11:00', '12:00', '13:00']);
});

test('after years away no more are made up for than the limit, the latest, without counting all of them', () => {
  const begun = performance.now();
  const { due, next } = dueSlots(
    { ...minutely, cron: '* * * * * *', catchUp: 'all' },
    new Date('2016-01-01T00:00:00Z'),
    at('12:00:00'),
  );
  expect(due).toHaveLength(limits.waitingFires);
  expect(due.at(-1)).toEqual(at('12:00:00'));
  expect(next).toEqual(at('12:00:01'));
  expect(performance.now() - begun).toBeLessThan(1_000);
});

test('a schedule that will not fire again has no next slot', () => {
  const last = new Date('9999-12-31T23:59:00Z');
  expect(dueSlots({ ...minutely, cron: '59 23 31 12 *', catchUp: 'last' }, last, last).next).toBeNull();
});

test('jitter is the same each time, differs between slots and schedules, and never reaches the next slot', () => {
  const schedule = { ...minutely, jitterSeconds: 3_600 };
  const late = (id: string, slot: Date) => fireTime({ ...schedule, id }, slot).getTime() - slot.getTime();
  const slots = slotsAfter(minutely, at('12:00:00'), 50);
  const lates = slots.map((slot) => late('a', slot));
  expect(slots.map((slot) => late('a', slot))).toEqual(lates);
  expect(slots.map((slot) => late('b', slot))).not.toEqual(lates);
  expect(new Set(lates).size).toBeGreaterThan(40);
  for (const ms of lates) expect(ms).toBeLessThan(60_000);
});

test('a slot that its jitter holds up is not due yet, and stays the next', () => {
  const schedule = { ...minutely, cron: '0 * * * *', jitterSeconds: 3_600, catchUp: 'last' as const };
  const slot = at('12:00:00');
  const fire = fireTime(schedule, slot);
  expect(fire > slot).toBe(true);
  expect(dueSlots(schedule, slot, new Date(fire.getTime() - 1))).toEqual({ due: [], next: slot });
  expect(dueSlots(schedule, slot, fire)).toEqual({ due: [slot], next: at('13:00:00') });
  expect(nextFires(schedule, slot, 2)).toEqual([fire, fireTime(schedule, at('13:00:00'))]);
});

const crons = fc.oneof(
  fc.constantFrom(
    '30 2 * * *',
    '0 0 29 2 *',
    '*/7 * * * *',
    '0 */3 * * *',
    '15 2,3 * * SUN',
    '*/20 * * * * *',
    '0 0 L * *',
  ),
  fc.tuple(fc.nat(59), fc.nat(23)).map(([minute, hour]) => `${minute} ${hour} * * *`),
);
const zones = fc.constantFrom(
  'UTC',
  'Europe/Paris',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
);
const moments = fc.date({ min: new Date('2017-01-01'), max: new Date('2031-01-01'), noInvalidDate: true });
const timings = fc.record({
  id: fc.constantFrom('a', 'b'),
  cron: crons,
  timezone: zones,
  jitterSeconds: fc.constantFrom(0, 0, 90, 3_600),
});

test('slots that are looked at a few at a time are those that croner names, each once, in order', () => {
  fc.assert(
    fc.property(
      timings,
      moments,
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 6 }),
      (timing, start, steps) => {
        const expected = slotsAfter(timing, start, 60);
        let next: Date | null = expected[0] ?? null;
        const seen: Date[] = [];
        let looked = 0;
        for (const step of steps) {
          looked += step;
          const now = fireTime(timing, expected[looked - 1] ?? start);
          const look = dueSlots({ ...timing, catchUp: 'all' }, next, now);
          seen.push(...look.due);
          next = look.next;
        }
        expect(seen).toEqual(expected.slice(0, looked));
        expect(next).toEqual(expected[looked]);
      },
    ),
  );
});

test('fire times rise strictly, and each is not before its slot', () => {
  fc.assert(
    fc.property(timings, moments, (timing, start) => {
      const slots = slotsAfter(timing, start, 12);
      const fires = slots.map((slot) => fireTime(timing, slot).getTime());
      for (const [index, fire] of fires.entries()) {
        expect(fire).toBeGreaterThanOrEqual(slots[index]?.getTime() ?? Number.NaN);
        expect(fire).toBeLessThan(slots[index + 1]?.getTime() ?? Number.POSITIVE_INFINITY);
      }
    }),
  );
});

test('whatever the policy, what is due is a part of all that is over, and the next slot is later than now or held up', () => {
  fc.assert(
    fc.property(
      timings,
      moments,
      fc.nat(40 * 86_400_000),
      fc.constantFrom(...policies),
      (timing, start, ms, policy) => {
        const [from = start] = slotsAfter(timing, start, 1);
        const now = new Date(from.getTime() + ms);
        const all = dueSlots({ ...timing, catchUp: 'all' }, from, now);
        const some = dueSlots({ ...timing, catchUp: policy }, from, now);
        expect(some.next).toEqual(all.next);
        expect(all.due.slice(all.due.length - some.due.length)).toEqual(some.due);
        if (some.next) expect(fireTime(timing, some.next) > now).toBe(true);
      },
    ),
  );
});
