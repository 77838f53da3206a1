import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { serveApi } from './test-server.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';

test('queries go out by GET, mutations by POST, and an input that was left out arrives as the schema wants it', async () => {
  await using server = await serveApi();
  const client = createClient({ url: `${server.url}/` });
  expect((await client.workflows.get({ id })).id).toBe(id);
  expect((await client.workflows.execute({ id, wait: 0 })).id).toBe(id);
  expect((await client.workflows.list()).nextCursor).toBe('20');
  expect((await client.workflows.list({ limit: 5 })).nextCursor).toBe('5');
  expect((await client.auth.me()).user.createdAt).toEqual(new Date(0));
  expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /trpc/workflows.get',
    'POST /trpc/workflows.execute',
    'GET /trpc/workflows.list',
    'GET /trpc/workflows.list',
    'GET /trpc/auth.me',
  ]);
});

test('dates arrive as dates on both sides', async () => {
  await using server = await serveApi();
  const expiresAt = new Date('2031-02-03T04:05:06.789Z');
  const key = await createClient({ url: server.url }).auth.apiKeys.create({ name: 'ci', expiresAt });
  expect(key).toMatchObject({ name: 'ci', expiresAt, createdAt: new Date(1_700_000_000_123) });
});

test('calls of one tick are one request, ten at most, and each mutation goes alone', async () => {
  await using server = await serveApi();
  const client = createClient({ url: server.url });
  const gets = Array.from({ length: 12 }, () => client.workflows.get({ id }));
  const runs = [client.workflows.execute({ id, wait: 0 }), client.workflows.execute({ id, wait: 0 })];
  expect(await Promise.all([...gets, ...runs])).toHaveLength(14);
  const calls = server.seen.map(({ method, path }) => `${method} ${path.split(',').length}`);
  expect(calls.sort()).toEqual(['GET 10', 'GET 2', 'POST 1', 'POST 1']);
});

test('a batch of queries whose address would be too long is split', async () => {
  await using server = await serveApi();
  const client = createClient({ url: server.url });
  const inputs = Array.from({ length: 6 }, () => ({ id, cursor: 'x'.repeat(2_000) }));
  await Promise.allSettled(inputs.map((input) => client.workflows.list(input)));
  expect(server.seen.length).toBeGreaterThan(1);
});

test('the API key, the token of the moment and further headers are sent with every request', async () => {
  await using server = await serveApi();
  let turn = 0;
  const client = createClient({
    url: server.url,
    token: async () => `token-${++turn}`,
    headers: { 'x-trace': 'abc' },
  });
  await client.auth.me();
  await client.auth.me();
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
  expect(server.seen[1]?.headers).toMatchObject({ 'x-trace': 'abc' });
  await createClient({ url: server.url, token: 'fixed' }).auth.me();
  await createClient({ url: server.url, token: () => undefined }).auth.me();
  expect(server.seen.slice(2).map(({ headers }) => headers.authorization)).toEqual(['Bearer fixed', undefined]);
  await createClient({ url: server.url, apiKey: 'fp_key' }).auth.me();
  expect(server.seen[4]?.headers).toMatchObject({ 'x-api-key': 'fp_key' });
});

test('a fetch of the caller’s own is used, and what fails in getting the token comes through unchanged', async () => {
  await using server = await serveApi();
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = (url, init) => {
    asked.push(String(url));
    return globalThis.fetch(url, init);
  };
  await createClient({ url: server.url, fetch }).auth.me();
  expect(asked).toHaveLength(1);
  const reason = new Error('signed out');
  const token = () => Promise.reject(reason);
  await expect(createClient({ url: server.url, token }).auth.me()).rejects.toBe(reason);
});

test('options that contradict each other are refused', () => {
  const url = 'http://localhost';
  expect(() => createClient({ url, apiKey: 'fp_key', token: 'token' })).toThrow('one of apiKey, token and session');
  expect(() => createClient({ url, retries: -1 })).toThrow('retries must be 0 to 10');
});

test('a client can be returned from an async function: it is not taken for a promise', async () => {
  const client = await Promise.resolve(createClient({ url: 'http://localhost' }));
  expect(Object.keys(client)).toContain('workflows');
});
