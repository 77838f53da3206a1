import { expect, test } from 'vitest';
import { createRedactor } from './redact.ts';

const secret = 'k3y/with+all"kinds\\of=signs &ümläuts 7';
const { text, json } = createRedactor([secret, 'abc', 'other-secret']);

test.each([
  ['as it is', secret],
  ['as base64', Buffer.from(secret).toString('base64')],
  ['as base64url', Buffer.from(secret).toString('base64url')],
  ['as base64 of a longer text', Buffer.from(`user:${secret}`).toString('base64')],
  ['as base64 of one that goes on', Buffer.from(`ab${secret} and more`).toString('base64')],
  ['in a URL', encodeURIComponent(secret)],
  ['in a URL in lower case', encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase())],
  ['in a form', new URLSearchParams({ a: secret }).toString()],
  ['in JSON', JSON.stringify({ a: secret })],
  ['in a URL as base64', encodeURIComponent(Buffer.from(secret).toString('base64'))],
])('a secret %s is redacted', (_, form) => {
  const redacted = text(`before ${form} after`);
  expect(redacted).toMatch(/^before .*\[redacted\].* after$/);
  // Nothing that would tell: neither the secret nor any half of it in this form.
  const middle = form.slice(Math.floor(form.length / 2) - 4, Math.floor(form.length / 2) + 4);
  expect(redacted).not.toContain(middle);
});

test('it is redacted wherever it is in JSON, keys included', () => {
  const value = { list: [1, null, true, `x${secret}`], [secret]: { deep: secret }, kept: 'plain' };
  expect(json(value)).toEqual({
    list: [1, null, true, 'x[redacted]'],
    '[redacted]': { deep: '[redacted]' },
    kept: 'plain',
  });
});

test('what holds no secret is the very same value', () => {
  const value = { a: [{ b: 'abc' }], c: null };
  expect(json(value)).toBe(value);
  expect(text('abcabc')).toBe('abcabc');
});

test('a __proto__ key stays a key', () => {
  const value = JSON.parse(`{"__proto__": {"a": "other-secret"}}`);
  expect(JSON.stringify(json(value))).toBe('{"__proto__":{"a":"[redacted]"}}');
});

test('without secrets everything stays', () => {
  const none = createRedactor([]);
  expect(none.text(secret)).toBe(secret);
  expect(none.json([secret])).toEqual([secret]);
});
