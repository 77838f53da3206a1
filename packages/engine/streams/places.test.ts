import { expect, test } from 'vitest';
import { createPlaces } from './places.ts';

const refused = (code: string) => expect.objectContaining({ code });

test('a stream too many is refused, until another has ended', () => {
  const places = createPlaces({ all: 2, team: 2 });
  const leaving = new AbortController();
  places.take({ teamId: 'a' }, leaving.signal);
  const second = places.take({ teamId: 'b' }, undefined);
  expect(() => places.take({ teamId: 'c' }, undefined)).toThrow(refused('unavailable'));
  leaving.abort();
  const third = places.take({ teamId: 'c' }, undefined);
  expect(() => places.take({ teamId: 'd' }, undefined)).toThrow(refused('unavailable'));
  second.leave();
  expect(second.signal.aborted).toBe(true);
  places.close();
  expect(third.signal.aborted).toBe(true);
  expect(() => places.take({ teamId: 'a' }, undefined)).toThrow(refused('unavailable'));
});

test('one team does not keep the others out', () => {
  const places = createPlaces({ all: 10, team: 2 });
  const first = places.take({ teamId: 'a' }, undefined);
  places.take({ teamId: 'a' }, undefined);
  expect(() => places.take({ teamId: 'a' }, undefined)).toThrow(refused('rate_limited'));
  places.take({ teamId: 'b' }, undefined);
  first.leave();
  first.leave();
  places.take({ teamId: 'a' }, undefined);
  expect(() => places.take({ teamId: 'a' }, undefined)).toThrow(refused('rate_limited'));
});

test('one reader does not use up the places of a team, however many streams they open', () => {
  const places = createPlaces({ all: 10, team: 5 });
  const ann = { teamId: 'a', reader: { id: 'ann', most: 2 } };
  const first = places.take(ann, undefined);
  places.take(ann, undefined);
  expect(() => places.take(ann, undefined)).toThrow(refused('rate_limited'));
  expect(() => places.take({ ...ann, teamId: 'b' }, undefined)).toThrow(refused('rate_limited'));
  places.take({ teamId: 'a', reader: { id: 'bob', most: 2 } }, undefined);
  first.leave();
  first.leave();
  places.take(ann, undefined);
  expect(() => places.take(ann, undefined)).toThrow(refused('rate_limited'));
});
