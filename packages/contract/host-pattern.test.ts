import { expect, test } from 'vitest';
import { canonicalPattern, coversHost, hostOfUrl, hostPatterns } from './host-pattern.ts';

test.each([
  ['Api.Example.COM', 'api.example.com'],
  ['example.com.', 'example.com'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['*.Bücher.example', '*.xn--bcher-kva.example'],
  ['example.com:443', 'example.com'],
  ['example.com:80', 'example.com'],
  ['example.com:8443', 'example.com:8443'],
  ['*.example.com:8443', '*.example.com:8443'],
  ['ex%61mple.com', 'example.com'],
  ['localhost:3000', 'localhost:3000'],
  ['127.1', '127.0.0.1'],
  ['[::1]:8080', '[::1]:8080'],
])('%s is kept as %s', (given, kept) => {
  expect(canonicalPattern(given)).toBe(kept);
  expect(canonicalPattern(kept)).toBe(kept);
});

test.each([
  '',
  '*',
  '*.',
  '*.com',
  '*.*.example.com',
  'a.*.example.com',
  '*.10.0.0.1',
  '*.[::1]',
  'https://example.com',
  'example.com/path',
  'user@example.com',
  'example.com?a',
  'example.com#a',
  'exa mple.com',
  'example.com:99999',
  'a\\b',
  '.',
  '..',
  ':80',
])('%j is no pattern', (given) => {
  expect(canonicalPattern(given)).toBeUndefined();
});

test('a pattern covers its own host, and with *. all below it but not itself', () => {
  expect(coversHost(['example.com'], 'example.com')).toBe(true);
  expect(coversHost(['example.com'], 'a.example.com')).toBe(false);
  expect(coversHost(['*.example.com'], 'a.example.com')).toBe(true);
  expect(coversHost(['*.example.com'], 'a.b.example.com')).toBe(true);
  expect(coversHost(['*.example.com'], '*.b.example.com')).toBe(true);
  for (const host of ['example.com', 'evilexample.com', 'example.com.evil.test', 'a.example.com:8443', '']) {
    expect(coversHost(['*.example.com'], host), host).toBe(false);
  }
  expect(coversHost(['example.com:8443'], 'example.com')).toBe(false);
  expect(coversHost([], 'example.com')).toBe(false);
});

test('a URL’s host is compared in the form in which patterns are kept', () => {
  expect(hostOfUrl('https://Example.COM.:443/a?b')).toBe('example.com');
  expect(hostOfUrl('http://example.com:80')).toBe('example.com');
  expect(hostOfUrl('https://good.example@evil.test/')).toBe('evil.test');
  expect(hostOfUrl('https://good.example\\@evil.test/')).toBe('good.example');
  expect(hostOfUrl('https://example.com:8443/')).toBe('example.com:8443');
  for (const text of ['file:///etc/passwd', 'javascript:1', 'example.com', '']) {
    expect(hostOfUrl(text)).toBeUndefined();
  }
});

test('a list is bounded, and names each host once', () => {
  expect(hostPatterns.parse(['A.test', 'a.test', ' b.test '])).toEqual(['a.test', 'b.test']);
  expect(hostPatterns.safeParse(Array.from({ length: 51 }, (_, n) => `h${n}.test`)).success).toBe(false);
  expect(hostPatterns.safeParse(['nope nope']).error?.issues[0]).toMatchObject({ path: [0] });
});
