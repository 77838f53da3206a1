import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openDecoder } from './decoder.ts';

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('a %s decoder told to stop does not decode the rest of its chunk', async (encoding, encode) => {
  const bomb = encode(Buffer.alloc(20_000_000));
  let decoded = 0;
  const decoder = openDecoder(encoding, bomb[0] ?? 0, (chunk) => {
    decoded += chunk.length;
    return decoded < 100_000;
  });
  await decoder.write(bomb);
  expect(decoded).toBeLessThan(200_000);
});
