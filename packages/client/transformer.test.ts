import { transformer as ofServer } from '@flowplane/server/transformer';
import { expect, test } from 'vitest';
import { transformer } from './transformer.ts';

const at = new Date(5);

const values: unknown[] = [
  { at, none: undefined, list: [at, null] },
  'text',
  undefined,
  { constructor: 'Ferrari', at },
  { deep: [{ prototype: { a: 1 } }], 'dotted.key': { at } },
];

test.each(values)('writes what the server writes, and reads it: %j', (value) => {
  const written = transformer.serialize(value);
  expect(written).toEqual(ofServer.serialize(value));
  expect(JSON.stringify(transformer.deserialize(JSON.parse(JSON.stringify(written))))).toBe(JSON.stringify(value));
});
