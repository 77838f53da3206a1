import superjson from 'superjson';
import { expect, test } from 'vitest';
import { transformer } from './transformer.ts';

test.each([
  { a: 1, at: new Date(5), none: undefined, list: [new Date(6), null] },
  'text',
  null,
  undefined,
  new Date(7),
])('writes what superjson writes: %j', (value) => {
  expect(transformer.serialize(value)).toEqual(superjson.serialize(value));
});

test.each(['constructor', 'prototype'])(
  'data with the key %s arrives as it was sent, dates beside it included',
  (key) => {
    const data = JSON.parse(`{"${key}":{"deep":[1,{"${key}":"Ferrari"}]}}`);
    const value = { data, 'dotted.key': { at: new Date(5) }, at: new Date(6) };
    const received: unknown = transformer.deserialize(JSON.parse(JSON.stringify(transformer.serialize(value))));
    expect(JSON.stringify(received)).toBe(JSON.stringify(value));
    expect(received).toMatchObject({ at: new Date(6), 'dotted.key': { at: new Date(5) } });
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(Object.hasOwn(Object.prototype, 'deep')).toBe(false);
  },
);
