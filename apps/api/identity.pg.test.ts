import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@flowplane/client';
import { startIssuers } from '@flowplane/server/auth/identities/test-issuers';
import { smtpServer, tokenIn } from '@flowplane/server/mail/test-smtp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './config.ts';
import { ownerOf } from './test-client.ts';
import { owner as account, dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const dataDir = dataDirectory();
const mails = await smtpServer();
const issuers = await startIssuers();
let instance: Instance;
let owner: Awaited<ReturnType<typeof ownerOf>>;

beforeAll(async () => {
  instance = startInstance({
    API_PORT: String(await freePort()),
    DATA_DIR: dataDir.path,
    GUESTS: 'on',
    ...issuers.settings,
    SMTP_HOST: '127.0.0.1',
    SMTP_PORT: String(mails.port),
    SMTP_SECURITY: 'none',
    MAIL_FROM: 'Flowplane <no-reply@flowplane.test>',
  });
  await instance.ready();
  owner = await ownerOf(instance);
});
afterAll(async () => {
  instance.child.kill('SIGKILL');
  await mails[Symbol.asyncDispose]();
  await issuers[Symbol.asyncDispose]();
  await dataDir[Symbol.asyncDispose]();
});

function at(path: string): string {
  return `${instance.url}${path}`;
}

function askForToken(body: Record<string, string> | string, headers: Record<string, string> = {}) {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return send(at('/api/v1/auth/token'), {
    method: 'POST',
    body: typeof body === 'string' ? body : new URLSearchParams(body).toString(),
    headers: { ...type, ...headers },
  });
}

const byPassword = { grant_type: 'password', username: account.email, password: account.password };

/** A bash that runs blocks one after the other. */
function shell(url: string) {
  const child = spawn('bash', ['-euo', 'pipefail'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: '/usr/bin:/bin' },
  });
  const end = '--- end of block ---';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  return {
    async run(block: string): Promise<string> {
      output = '';
      child.stdin.write(`${block.replaceAll('http://localhost:8000', url)}\necho; echo '${end}'\n`);
      await expect.poll(() => output.includes(end) || child.exitCode !== null, { timeout: 20_000 }).toBe(true);
      expect(child.exitCode, `${block}\n${output}`).toBeNull();
      return output.slice(0, output.indexOf(end)).trim();
    },
    async close(): Promise<void> {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

test('every command of docs/auth.md works in its order, and answers what the page shows', async () => {
  const page = readFileSync(join(root, 'docs/auth.md'), 'utf8');
  const blocks = [...page.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)].map(([, language, text = '']) => ({
    language,
    text,
  }));
  const bash = shell(instance.url);
  const outputs: string[] = [];
  for (const [index, { language, text }] of blocks.entries()) {
    if (language !== 'sh') continue;
    if (text.includes('$MAILED_TOKEN')) {
      const resets = () => mails.received.filter((mail) => tokenIn(mail).startsWith('fpp_'));
      await expect.poll(() => resets().length, { timeout: 10_000 }).toBe(1);
      const [mail] = resets();
      await bash.run(`MAILED_TOKEN=${mail ? tokenIn(mail) : ''}`);
    }
    // Somebody says yes where the browser was sent.
    if (text.includes('"$BACK"')) await bash.run(`BACK=$(curl -s -o /dev/null -w '%{redirect_url}' "$URL")`);
    if (text.includes('$CLERK_TOKEN')) {
      await bash.run(`CLERK_TOKEN=${await issuers.clerkToken({ azp: 'http://localhost:3000' })}`);
    }
    const output = await bash.run(text);
    outputs.push(output);
    expect(output, text).not.toMatch(/urn:flowplane:error|"error"/);
    const shown = blocks[index + 1];
    if (shown?.language === 'json') expect(JSON.parse(output)).toEqual(JSON.parse(shown.text));
  }
  await bash.close();
  expect(outputs.length).toBeGreaterThan(8);
  expect(outputs.find((output) => output.includes('/24'))).toMatch(/127\.0\.0\.0\/24 true|127\.0\.0\.0\/24 false/);
  expect(outputs).toContain('apiKey\napiKey');
  expect(outputs).toContain('RSA RS256 sig');
}, 120_000);

test('registering mails a link to the public address, with which the address is verified over the SDK', async () => {
  const email = 'grace@example.com';
  const { accessToken } = await createClient({ url: instance.url }).auth.register({
    email,
    password: 'a long password',
  });
  const client = createClient({ url: instance.url, token: accessToken });
  expect((await client.users.me()).user.emailVerified).toBe(false);
  const sent = () => mails.received.find(({ to }) => to.includes(email));
  await expect.poll(sent, { timeout: 10_000 }).toBeDefined();
  const mail = sent();
  if (!mail) throw new Error('no mail');
  expect(mail.from).toBe('no-reply@flowplane.test');
  await createClient({ url: instance.url }).auth.email.verify({ token: tokenIn(mail) });
  expect((await client.users.me()).user.emailVerified).toBe(true);
  expect(await client.users.updateMe({ name: 'Grace Hopper' })).toMatchObject({ email, name: 'Grace Hopper' });
  expect(
    (await send(at('/api/v1/auth/me'), { headers: { authorization: `Bearer ${accessToken}` } })).json,
  ).toMatchObject({
    user: { name: 'Grace Hopper' },
  });
});

test('the owner, whose address the operator chose, is verified and got no mail', async () => {
  expect((await owner.client.users.me()).user.emailVerified).toBe(true);
  expect(mails.received.filter(({ to }) => to.includes(account.email))).toEqual([]);
});

test('the public keys may be kept for five minutes, and are no secret ones', async () => {
  const answer = await send(at('/.well-known/jwks.json'));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
  const { kid } = await owner.client.auth.signingKeys.rotate({});
  const after = await send(at('/.well-known/jwks.json'));
  expect(JSON.parse(after.text).keys[0].kid).toBe(kid);
  for (const key of JSON.parse(after.text).keys)
    expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  await expect(owner.client.users.me()).resolves.toBeDefined();
});

test('a browser that is a guest by its cookie registers and stays itself', async () => {
  const origin = instance.url;
  const guest = await send(at('/api/v1/auth/guest'), { method: 'POST', headers: { origin } });
  expect([guest.status, guest.headers.get('location')]).toEqual([201, '/api/v1/users/me']);
  const cookie = guest.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  const body = { email: 'cookie@example.com', password: 'a long password' };
  const forged = await send(at('/api/v1/auth/register'), {
    body: { ...body, email: 'forged@example.com' },
    headers: { cookie, origin: 'https://evil.example' },
  });
  expect([forged.status, forged.json]).toMatchObject([403, { code: 'cross_site_request' }]);
  const account = await send(at('/api/v1/auth/register'), { body, headers: { cookie, origin } });
  expect(account.status).toBe(201);
  const [before, after] = [guest, account].map(({ text }) => JSON.parse(text));
  expect([after.user.id, after.team.slug]).toEqual([before.user.id, before.team.slug]);
  const renewed = account.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  expect((await send(at('/api/v1/users/me'), { headers: { cookie } })).status).toBe(401);
  expect((await send(at('/api/v1/users/me'), { headers: { cookie: renewed } })).json).toMatchObject({ role: 'admin' });
});

test('a guest of the SDK registers as who they are, and goes on with the new tokens', async () => {
  const { url } = instance;
  const guest = await createClient({ url }).auth.guests.create();
  const client = createClient({ url, session: guest });
  expect((await client.users.me()).user).toMatchObject({ email: null, id: guest.user.id });
  const account = await client.auth.register({ email: 'sdk-guest@example.com', password: 'a long password' });
  expect([account.user.id, account.team.slug]).toEqual([guest.user.id, guest.team.slug]);
  expect((await createClient({ url, session: account }).users.me()).role).toBe('admin');
});

test.each<Record<string, string>>([{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])(
  'threat 32: a page of another site does not make a guest of whoever visits it: %o',
  async (headers) => {
    const answer = await send(at('/api/v1/auth/guest'), { method: 'POST', headers });
    expect([answer.status, answer.json]).toMatchObject([403, { code: 'cross_site_request' }]);
    expect(answer.headers.get('set-cookie')).toBeNull();
  },
);

test('OAuth 2.0: a password and a refresh token buy tokens that work, which no cache may keep', async () => {
  const first = await askForToken({ ...byPassword, scope: 'anything', client_id: 'tool' });
  expect(first.status).toBe(200);
  expect([first.headers.get('cache-control'), first.headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
  expect(first.headers.get('set-cookie')).toBeNull();
  const tokens = JSON.parse(first.text);
  expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(Number) });
  const second = await askForToken({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
  const { access_token: token } = JSON.parse(second.text);
  expect((await send(at('/api/v1/users/me'), { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
});

test.each<[string, Record<string, string> | string, number, string]>([
  ['no grant type', {}, 400, 'invalid_request'],
  ['an empty grant type', { grant_type: '' }, 400, 'invalid_request'],
  ['another grant type', { grant_type: 'client_credentials' }, 400, 'unsupported_grant_type'],
  ['no password', { grant_type: 'password', username: 'a@example.com' }, 400, 'invalid_request'],
  ['a wrong password', { ...byPassword, username: 'x@example.com' }, 400, 'invalid_grant'],
  ['a user name that is no email', { ...byPassword, username: 'root' }, 400, 'invalid_grant'],
  ['no refresh token', { grant_type: 'refresh_token' }, 400, 'invalid_request'],
  ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'fpr_x' }, 400, 'invalid_grant'],
  ['a parameter twice', 'grant_type=password&grant_type=password', 400, 'invalid_request'],
  ['what is no form', '%%%&&&===', 400, 'invalid_request'],
  ['NUL in a parameter', { ...byPassword, username: 'a\0@example.com' }, 400, 'invalid_grant'],
  ['a body that is too long', `grant_type=${'x'.repeat(20_000)}`, 413, 'invalid_request'],
])('OAuth 2.0: %s is refused as RFC 6749 says', async (_, body, status, error) => {
  const answer = await askForToken(body);
  expect([answer.status, answer.json]).toMatchObject([status, { error }]);
  expect(JSON.parse(answer.text).error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  expect(answer.headers.get('content-type')).toContain('application/json');
});

test('OAuth 2.0: JSON is another media type, and GET another method', async () => {
  const json = await send(at('/api/v1/auth/token'), { body: byPassword });
  expect([json.status, json.json]).toMatchObject([415, { error: 'invalid_request' }]);
  const get = await send(at('/api/v1/auth/token'));
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
});

test('OAuth 2.0: guessing is slowed down together with login', async () => {
  const guess = { ...byPassword, username: 'stuffed@example.com' };
  const statuses = [];
  for (let n = 0; n < 7; n += 1) statuses.push((await askForToken(guess)).status);
  expect(statuses).toEqual([400, 400, 400, 400, 400, 400, 429]);
  const answer = await askForToken(guess);
  expect([answer.status, answer.json]).toMatchObject([429, { error: 'temporarily_unavailable' }]);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  const login = await send(at('/api/v1/auth/login'), { body: { email: guess.username, password: 'guess' } });
  expect([login.status, login.json]).toMatchObject([429, { code: 'rate_limited' }]);
  expect(Number(login.headers.get('retry-after'))).toBeGreaterThan(0);
});
