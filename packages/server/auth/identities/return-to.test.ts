import { expect, test } from 'vitest';
import { callbackUrl, placeOf } from './return-to.ts';

test('an instance below a path sends nobody out of it', () => {
  const publicUrl = 'https://example.com/flowplane/';
  expect(callbackUrl(publicUrl, 'github')).toBe('https://example.com/flowplane/api/v1/auth/github/callback');
  expect(placeOf(publicUrl, undefined)).toBe('https://example.com/flowplane/');
  expect(placeOf(publicUrl, '/flowplane/workflows?a=1#b')).toBe('https://example.com/flowplane/workflows?a=1#b');
  for (const elsewhere of ['/', '/other', '/flowplane/../other', '/flowplane', '/flowplane/%2e%2e/other']) {
    expect(() => placeOf(publicUrl, elsewhere), elsewhere).toThrow(/returnTo/);
  }
});

test('with and without a slash at its end, a public address is the same', () => {
  for (const publicUrl of ['http://localhost:8000', 'http://localhost:8000//']) {
    expect(placeOf(publicUrl, undefined)).toBe('http://localhost:8000/');
    expect(placeOf(publicUrl, '/a')).toBe('http://localhost:8000/a');
  }
});
