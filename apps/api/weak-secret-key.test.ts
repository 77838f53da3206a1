import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { weaknessOf } from './weak-secret-key.ts';

test.each([
  ['a'.repeat(64), 'different characters'],
  ['0'.repeat(64), 'different characters'],
  ['abab'.repeat(10), 'different characters'],
  ['changeme'.repeat(4), 'different characters'],
  ['correct-horse1correct-horse1correct-horse1', 'repeats'],
  ['4f9c1e7b4f9c1e7b4f9c1e7b4f9c1e7b4f9c', 'repeats'],
  ['0123456789abcdef0123456789ABCDEF', 'repeats'],
  ['abcdefghijklmnopqrstuvwxyz0123456789', 'sequence'],
  ['98765432109876543210zyxwvutsrqponmlk', 'sequence'],
  ['qwertyuiopasdfghjklzxcvbnm1234567890', 'sequence'],
  ['changeme-changeme-please-changeme-now', 'placeholder'],
  ['CHANGE_ME_TO_A_LONG_RANDOM_STRING_PLEASE', 'placeholder'],
  ['your-super-secret-jwt-token-with-at-least-32-characters-long', 'placeholder'],
  ['your-32-character-encryption-key-here', 'placeholder'],
  ['secret-key-secret-password-for-production', 'placeholder'],
  ['replace-with-secure-random-value-of-32-bytes', 'placeholder'],
  ['sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U', 'example of another program'],
  ['60gp0byfz2dvffa45cxl20p1scy9xbpf6d8c5y0geejgkyp1b5', 'example of another program'],
])('the master key %s is refused: %s', (key, why) => {
  expect(weaknessOf(key)).toContain(why);
});

test('what the usual generators give is never refused', () => {
  for (let i = 0; i < 2_000; i += 1) {
    expect(weaknessOf(randomBytes(32).toString('hex'))).toBeUndefined();
    expect(weaknessOf(randomBytes(16).toString('hex'))).toBeUndefined();
    expect(weaknessOf(randomBytes(48).toString('base64'))).toBeUndefined();
    expect(weaknessOf(randomBytes(24).toString('base64url'))).toBeUndefined();
  }
});

test.each([
  'correct horse battery staple lamp orbit',
  'gravel-unlock-tinsel-marvel-octane-plunge',
  'key secret password marvel octane plunge dusk',
])('a passphrase is a key: %s', (key) => {
  expect(weaknessOf(key)).toBeUndefined();
});
