import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import type { ClientOptions } from './client-options.ts';
import { pathsOf, type Seen, serveApi } from './test-server.ts';
import type { Tokens } from './tokens.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';
const first = { accessToken: 'access-0', refreshToken: 'refresh-0' };
const past = new Date(Date.now() - 1_000);

/** A client of a sign-in, and what its `onChange` was told. */
function signedIn(url: string, tokens: Tokens = first, more: Partial<ClientOptions> = {}) {
  const changes: (Tokens | null)[] = [];
  const onChange = (next: Tokens | null) => changes.push(next);
  return { client: createClient({ url, session: { ...tokens, onChange }, ...more }), changes };
}

function refreshes({ seen }: { seen: Seen[] }): number {
  return pathsOf(seen).filter((path) => path === 'auth.refresh').length;
}

/** Twenty-five queries and as many mutations at once. */
function fifty(client: ReturnType<typeof createClient>): Promise<unknown>[] {
  return Array.from({ length: 50 }, (_, n) =>
    n % 2 ? client.workflows.get({ id }) : client.workflows.publish({ id }),
  );
}

test('fifty calls with a token that is about to expire make one exchange, of which the app is told', async () => {
  await using server = await serveApi();
  const expiresAt = new Date(Date.now() + 5_000).toISOString();
  const { client, changes } = signedIn(server.url, { ...first, expiresAt });
  await Promise.all(fifty(client));
  expect(refreshes(server)).toBe(1);
  expect(changes).toEqual([{ accessToken: 'access-1', refreshToken: 'refresh-1', expiresAt: server.signIn.expiresAt }]);
  const [exchange, ...rest] = server.seen;
  expect(exchange?.headers.authorization).toBeUndefined();
  expect(new Set(rest.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer access-1']));
});

test('fifty calls whose token is refused make one exchange, and are all sent once more with the same keys', async () => {
  await using server = await serveApi();
  const { client, changes } = signedIn(server.url, { ...first, accessToken: 'access-old' });
  await Promise.all(fifty(client));
  expect(refreshes(server)).toBe(1);
  expect(changes).toHaveLength(1);
  const keys = server.seen.flatMap(({ headers }) => headers['idempotency-key'] ?? []);
  expect(keys).toHaveLength(50);
  expect(new Set(keys).size).toBe(25);
});

test('a changed password gives new tokens, with which the client goes on', async () => {
  await using server = await serveApi();
  const { client, changes } = signedIn(server.url);
  await client.users.changePassword({ currentPassword: 'old old old old', newPassword: 'new new new new' });
  expect(changes).toMatchObject([{ accessToken: 'access-1', refreshToken: 'refresh-1' }]);
  await client.auth.me();
  expect(server.seen.at(-1)?.headers.authorization).toBe('Bearer access-1');
  expect(refreshes(server)).toBe(0);
});

test('a sign-in that is over: the app is told once, every call rejects, and no more are sent', async () => {
  await using server = await serveApi();
  const { client, changes } = signedIn(server.url, { accessToken: 'access-old', refreshToken: 'refresh-old' });
  const codes = (await Promise.allSettled(fifty(client))).map((end) => end.status === 'rejected' && end.reason.code);
  expect(new Set(codes)).toEqual(new Set(['unauthenticated']));
  expect(changes).toEqual([null]);
  const sent = server.seen.length;
  await expect(client.auth.me()).rejects.toMatchObject({ status: 401, code: 'unauthenticated' });
  expect(server.seen).toHaveLength(sent);
  expect(refreshes(server)).toBe(1);
});

test('an exchange without an answer is not repeated by itself, because the token may have been used; the next call tries', async () => {
  const broken: RequestListener = (_, response) => response.destroy();
  await using server = await serveApi((turn) => (turn === 0 ? broken : undefined));
  const { client, changes } = signedIn(server.url, { ...first, expiresAt: past });
  await expect(client.workflows.publish({ id })).rejects.toMatchObject({ code: 'network_error' });
  expect(pathsOf(server.seen)).toEqual(['auth.refresh']);
  await client.workflows.publish({ id });
  expect(pathsOf(server.seen)).toEqual(['auth.refresh', 'auth.refresh', 'workflows.publish']);
  expect(changes).toHaveLength(1);
}, 10_000);

test('with a clock that is ahead of the server’s the tokens are not exchanged before every call', async () => {
  await using server = await serveApi();
  server.signIn.expiresAt = past;
  const { client } = signedIn(server.url, { ...first, expiresAt: past });
  for (let n = 0; n < 3; n++) await client.auth.me();
  expect(refreshes(server)).toBe(1);
  server.signIn.turn += 1;
  await expect(client.auth.me()).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('signing out ends the session of the client, and signing in needs none', async () => {
  await using server = await serveApi();
  const { client, changes } = signedIn(server.url);
  await client.auth.logout();
  expect(changes).toEqual([null]);
  await expect(client.auth.me()).rejects.toMatchObject({ code: 'unauthenticated' });
  await client.auth.login({ email: 'ann@example.com', password: 'a password' });
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer access-0', undefined]);
});

test('registering says who calls, because a guest keeps everything by it, and nobody once the sign-in is over', async () => {
  await using server = await serveApi();
  const { client } = signedIn(server.url);
  const who = { email: 'ann@example.com', password: 'a long password' };
  await client.auth.register(who);
  await client.auth.logout();
  await client.auth.register(who);
  const over = signedIn(server.url, { accessToken: 'access-old', refreshToken: 'refresh-old', expiresAt: new Date(0) });
  await over.client.auth.register(who);
  await createClient({ url: server.url }).auth.register(who);
  const registered = server.seen.filter((one) => pathsOf([one]).includes('auth.register'));
  expect(registered.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer access-0',
    undefined,
    undefined,
    undefined,
  ]);
});

test('a call that is aborted while the tokens are exchanged rejects at once; the others go on', async () => {
  const controller = new AbortController();
  const slow: RequestListener = (_, response) => {
    controller.abort();
    setTimeout(() => response.writeHead(429).end(), 300);
  };
  await using server = await serveApi((turn) => (turn === 0 ? slow : undefined));
  const { client } = signedIn(server.url, { ...first, expiresAt: past });
  const kept = client.workflows.publish({ id });
  const aborted = client.workflows.publish({ id }, { signal: controller.signal });
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  expect(pathsOf(server.seen)).toEqual(['auth.refresh']);
  expect(await kept).toMatchObject({ id });
  expect(pathsOf(server.seen)).toEqual(['auth.refresh', 'auth.refresh', 'workflows.publish']);
});
