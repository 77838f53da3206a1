import { expect, test } from 'vitest';
import { nextLink } from './link-header.ts';

test.each<[string, string | undefined]>([
  ['<https://a.example/?page=2>; rel="next"', 'https://a.example/?page=2'],
  ['</p?a=1,2;3>; rel=next', '/p?a=1,2;3'],
  ['<a>; rel="prev", <b>; title="x, <c>; rel=next \\" y"; rel="last NEXT" , <d>; rel="next"', 'b'],
  ['< b > ; REL = "next"', 'b'],
  ['<a>; rel="nextish", <b>; rev="next"', undefined],
  ['a; rel="next"', undefined],
  ['<a; rel="next"', undefined],
  ['', undefined],
])('%s', (header, expected) => {
  expect(nextLink(header)).toBe(expected);
});

test('a header that never ends what it opens takes no time', () => {
  const started = performance.now();
  for (const part of ['<', '"', '\\', ';', ',', ' ', '<a>;rel=', '"\\'])
    expect(nextLink(part.repeat(20_000))).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(5_000);
});
