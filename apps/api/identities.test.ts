import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { root } from './config.ts';
import { identitiesOf } from './identities.ts';
import { createLogger } from './logger.ts';
import { readSettings } from './read-settings.ts';
import { createShutdown } from './shutdown.ts';

const log = createLogger('error', 'json');

function optionsOf(dotEnv: Record<string, string | undefined>) {
  const read = readSettings({}, dotEnv);
  if ('mistakes' in read) throw new Error(read.mistakes.join('\n'));
  return identitiesOf({ settings: read.settings, log, shutdown: createShutdown(log) }, read.settings.CORS_ORIGINS);
}

test('the settings of docs/hosting.md can be taken as they are', () => {
  const page = readFileSync(join(root, 'docs/hosting.md'), 'utf8');
  const section = page.slice(page.indexOf('## Sign-in by others'));
  const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => parseEnv(text));
  expect(blocks.map((block) => Object.keys(optionsOf(block) ?? {}).length)).toEqual([5, 5, 5]);
  const all = optionsOf(Object.assign({}, ...blocks));
  expect(all).toMatchObject({
    gitHub: { apiUrl: 'https://github.example.com/api/v3' },
    oidc: { title: 'Example Inc.', scopes: ['openid', 'email', 'profile'] },
    clerk: { frontendUrl: 'https://clerk.example.com', allowedOrigins: ['https://app.example.com'] },
  });
});

test('without settings nobody else vouches for people, and GitHub’s own addresses need not be said', () => {
  expect(optionsOf({})).toBeUndefined();
  const { gitHub, oidc, clerk } = optionsOf({ GITHUB_CLIENT_ID: 'id', GITHUB_CLIENT_SECRET: 'secret' }) ?? {};
  expect(gitHub).toMatchObject({ tokenUrl: 'https://github.com/login/oauth/access_token' });
  expect([oidc, clerk]).toEqual([undefined, undefined]);
});
