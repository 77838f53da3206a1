import { expect, test } from 'vitest';
import { requestIdOf } from './request-log.ts';

function idFor(given: string | string[] | undefined): string {
  return requestIdOf({ headers: given === undefined ? {} : { 'x-request-id': given } });
}

test('a request id that may be logged as it is is kept', () => {
  for (const id of ['a', 'abc-1.2_3', 'x'.repeat(64)]) expect(idFor(id)).toBe(id);
});

test('any other is replaced by a new one', () => {
  for (const id of [undefined, '', 'a b', 'a\nb', '"', '<script>', 'ä', 'x'.repeat(65), ['a', 'b']]) {
    expect(idFor(id)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  }
  expect(idFor(undefined)).not.toBe(idFor(undefined));
});
