import { expect, test } from 'vitest';
import { z } from 'zod';
import { credentialCreateInput } from './credential.ts';
import { credentialKindName, credentialKinds } from './credential-kinds.ts';

test('every kind can be named and created, and there is no other', () => {
  const names = Object.keys(credentialKinds);
  expect(credentialKindName.options).toEqual(names);
  const creatable = credentialCreateInput.options.map(({ shape }) => shape.kind.value);
  expect(creatable).toEqual(names);
});

test.each(Object.entries(credentialKinds))(
  '%s: every value has a title, a description, an example and a bound',
  (_, kind) => {
    for (const [name, field] of Object.entries(kind.values.shape)) {
      const about = (field instanceof z.ZodOptional ? field.unwrap() : field).meta();
      expect(about?.title, name).toBeTruthy();
      expect(about?.description, name).toBeTruthy();
      expect(field.safeParse('x'.repeat(8_193)).success, name).toBe(false);
    }
    expect(Object.keys(kind.values.shape)).toEqual(expect.arrayContaining([...kind.secret]));
  },
);

test('a secret can be of any characters that its place in a request can carry, and of no other', () => {
  const { basic, bearer, header } = credentialKinds;
  expect(basic.values.safeParse({ username: 'ada', password: 'pass: wörd 💥' }).success).toBe(true);
  for (const password of ['', 'a\nb', 'a\0b', 'a\ud800', 'a\u0085b']) {
    expect(basic.values.safeParse({ username: 'ada', password }).success, JSON.stringify(password)).toBe(false);
  }
  for (const value of ['a b', '~!@#']) expect(header.values.safeParse({ name: 'X-A', value }).success).toBe(true);
  for (const value of [' a', 'a ', 'a\r\nb: c', 'ä']) {
    expect(header.values.safeParse({ name: 'X-A', value }).success, JSON.stringify(value)).toBe(false);
    expect(bearer.values.safeParse({ token: value }).success, JSON.stringify(value)).toBe(false);
  }
});
