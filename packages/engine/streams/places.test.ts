import { expect, test } from 'vitest';
import { createPlaces } from './places.ts';

const refused = (code: string) => expect.objectContaining({ code });

test('a stream too many is refused, until another has ended', () => {
  const places = createPlaces({ all: 2, team: 2 });
  const leaving = new AbortController();
  places.take('a', leaving.signal);
  const second = places.take('b', undefined);
  expect(() => places.take('c', undefined)).toThrow(refused('unavailable'));
  leaving.abort();
  const third = places.take('c', undefined);
  expect(() => places.take('d', undefined)).toThrow(refused('unavailable'));
  second.leave();
  expect(second.signal.aborted).toBe(true);
  places.close();
  expect(third.signal.aborted).toBe(true);
  expect(() => places.take('a', undefined)).toThrow(refused('unavailable'));
});

test('one team does not keep the others out', () => {
  const places = createPlaces({ all: 10, team: 2 });
  const first = places.take('a', undefined);
  places.take('a', undefined);
  expect(() => places.take('a', undefined)).toThrow(refused('rate_limited'));
  places.take('b', undefined);
  first.leave();
  first.leave();
  places.take('a', undefined);
  expect(() => places.take('a', undefined)).toThrow(refused('rate_limited'));
});
