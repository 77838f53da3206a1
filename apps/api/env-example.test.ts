import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { root } from './config.ts';
import { envExample } from './env-example.ts';
import { readSettings } from './read-settings.ts';

test('.env.example is up to date', () => {
  const advice = 'run "pnpm --filter @flowplane/api env-example" to write it anew';
  expect(readFileSync(join(root, '.env.example'), 'utf8'), advice).toBe(envExample());
});

test('.env.example sets nothing as it is, and each of its lines can be taken as it is', () => {
  expect(parseEnv(envExample())).toEqual({});
  const all = parseEnv(envExample().replaceAll(/^# ([A-Z_]+=)/gm, '$1'));
  expect(Object.keys(all).length).toBeGreaterThan(10);
  expect(readSettings({}, all)).toHaveProperty('settings');
});
