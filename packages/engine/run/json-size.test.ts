import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { roomAfter } from './json-size.ts';

test('what fits is never refused, and strings count in full', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const { length } = JSON.stringify(value);
      expect(roomAfter(value, length)).toBeGreaterThanOrEqual(0);
    }),
  );
  expect(roomAfter(['abc', { k: 'de' }], '["abc",{"k":"de"}]'.length - 5)).toBeLessThan(0);
});

test('a large value that is repeated is refused without going through it', () => {
  const large = Array.from({ length: 1_000 }, () => 'x'.repeat(1_000));
  const repeated = Array.from({ length: 10_000 }, () => large);
  const started = performance.now();
  expect(roomAfter(repeated, 1_048_576)).toBeLessThan(0);
  expect(performance.now() - started).toBeLessThan(100);
});
