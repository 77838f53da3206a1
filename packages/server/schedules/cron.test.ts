import { expect, test } from 'vitest';
import { cronErrors, slotsAfter, slotsWithin } from './cron.ts';

const now = new Date('2026-03-01T00:00:00Z');

function mistake(cron: string, timezone = 'UTC'): string | undefined {
  const [error] = cronErrors({ cron, timezone }, now);
  return error && `${error.path}: ${error.message}`;
}

function after(cron: string, timezone: string, from: string, count = 3): string[] {
  return slotsAfter({ cron, timezone }, new Date(from), count).map((at) => at.toISOString().replace(':00.000Z', 'Z'));
}

test.each(['* * * * *', '*/5 8-18 * * MON-FRI', '0 30 2 * * *', '0 0 L * *', '0 0 29 2 *', '0 9 * * 1#1', '@daily'])(
  '%s is accepted',
  (cron) => {
    expect(mistake(cron)).toBeUndefined();
  },
);

test.each([
  ['', 'five fields'],
  ['* * * *', 'five fields'],
  ['0 0 0 1 1 * 2030', 'five fields'],
  ['2030-01-01T00:00:00', 'five fields'],
  ['@reboot', 'five fields'],
  ['60 * * * *', 'not a cron expression'],
  ['5-1 * * * *', 'not a cron expression'],
  ['x * * * *', 'not a cron expression'],
  ['1-5 23 1#5 é :?', 'not a cron expression'],
  ['2030-01-01T00:00:00 * * * *', 'not a cron expression'],
  ['* * * * * *\u0000', 'not a cron expression'],
  ['0 0 30 2 *', 'never fires'],
  ['0 0 31 4,6,9,11 *', 'never fires'],
])('%s is refused by its field', (cron, why) => {
  expect(mistake(cron)).toContain('cron: ');
  expect(mistake(cron)).toContain(why);
});

test.each(['Europe/Nowhere', '+02:00', 'x'.repeat(64), 'Europe/Paris\u0000'])('the time zone %s is refused', (zone) => {
  expect(mistake('0 3 * * *', zone)).toContain('timezone: must be an IANA time zone');
});

test('threat 12: no expression of the allowed length takes long to check', () => {
  const hostile = ['*/1,'.repeat(20), '1-59/1,'.repeat(12), '(a+)+$'.repeat(12), '-'.repeat(90), ','.repeat(90)];
  for (const one of hostile) {
    for (const cron of [`${one} * * * *`, `* * * * ${one}`, `59 59 23 29 2 ${one}`, `0 0 29 2 +${one}`]) {
      const begun = performance.now();
      mistake(cron.slice(0, 100));
      expect(performance.now() - begun, cron).toBeLessThan(500);
    }
  }
});

test('a time that a clock skips in spring fires once, at the end of the gap', () => {
  expect(after('30 2 * * *', 'Europe/Paris', '2026-03-27T12:00:00Z')).toEqual([
    '2026-03-28T01:30Z',
    '2026-03-29T01:00Z',
    '2026-03-30T00:30Z',
  ]);
});

test('a time that a clock shows twice in autumn fires once', () => {
  expect(after('30 2 * * *', 'Europe/Paris', '2026-10-24T12:00:00Z')).toEqual([
    '2026-10-25T00:30Z',
    '2026-10-26T01:30Z',
    '2026-10-27T01:30Z',
  ]);
});

test('an hourly job fires each hour of a day that has 23 or 25', () => {
  const hours = (from: string, to: string) =>
    slotsWithin({ cron: '0 * * * *', timezone: 'Europe/Paris' }, { from: new Date(from), to: new Date(to) }, 100);
  expect(hours('2026-03-28T23:00:00Z', '2026-03-29T21:59:59Z')).toHaveLength(23);
  expect(hours('2026-10-24T22:00:00Z', '2026-10-25T22:59:59Z')).toHaveLength(25);
});

test('29 February fires in leap years only', () => {
  expect(after('0 0 29 2 *', 'UTC', '2026-03-01T00:00:00Z', 2)).toEqual(['2028-02-29T00:00Z', '2032-02-29T00:00Z']);
});
