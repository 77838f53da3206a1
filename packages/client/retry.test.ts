import type { RequestListener } from 'node:http';
import { afterEach, expect, test, vi } from 'vitest';
import { createClient } from './client.ts';
import { FlowplaneError } from './error.ts';
import { pauseAfter } from './retry.ts';
import { retryAfterOf } from './retry-after.ts';
import { pathsOf, serveApi } from './test-server.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';
const credentials = { email: 'ann@example.com', password: 'a password' };

afterEach(() => vi.restoreAllMocks());

function answer(status: number, code: string, headers: Record<string, string> = {}): RequestListener {
  const problem = { type: 'about:blank', title: code, status, detail: code, code, requestId: 'r-1' };
  return (_, response) => response.writeHead(status, headers).end(JSON.stringify(problem));
}
const unavailable = answer(503, 'unavailable');
const broken: RequestListener = (_, response) => response.destroy();
const firstly = (listener: RequestListener) => (turn: number) => (turn === 0 ? listener : undefined);

test('pauses double from at most 250 ms to at most 10 s, with full jitter', () => {
  expect([0, 1, 2, 9].map((failures) => pauseAfter(undefined, failures, 1))).toEqual([250, 500, 1_000, 10_000]);
  expect(pauseAfter(undefined, 5, 0)).toBe(0);
});

test('Retry-After counts instead, in seconds or as a date, unless it is longer than a minute', () => {
  const after = (retryAfter: number) =>
    new FlowplaneError({ status: 429, code: 'rate_limited', detail: '', retryAfter });
  expect(pauseAfter(after(7), 0, 0)).toBe(7_000);
  expect(pauseAfter(after(7), 0, 1)).toBe(7_250);
  expect(pauseAfter(after(61), 0, 0)).toBeUndefined();
  expect(retryAfterOf('7')).toBe(7);
  expect(retryAfterOf(new Date(Date.now() + 5_000).toUTCString())).toBeCloseTo(4.5, -0.5);
  expect(retryAfterOf('Wed, 21 Oct 2015 07:28:00 GMT')).toBe(0);
  expect([retryAfterOf(null), retryAfterOf('soon')]).toEqual([undefined, undefined]);
});

test.each([
  ['a broken connection', broken],
  ['503', unavailable],
  ['a proxy’s 502', (_, response) => response.writeHead(502).end('<html>')],
  ['429', answer(429, 'rate_limited')],
  ['a full queue', answer(429, 'queue_full', { 'retry-after': '1' })],
  ['a key that is in flight', answer(409, 'idempotency_in_flight')],
] satisfies [string, RequestListener][])('after %s a change is sent again under the same key', async (_, listener) => {
  await using server = await serveApi(firstly(listener));
  expect(await createClient({ url: server.url }).workflows.publish({ id })).toMatchObject({ id });
  const [key, again] = server.seen.map(({ headers }) => headers['idempotency-key']);
  expect(key).toMatch(/^[0-9a-f]{32}$/);
  expect(again).toBe(key);
});

test('three tries are all, or as many as `retries` says; the error is the last one', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  await using server = await serveApi(() => unavailable);
  const tries = async (retries?: number) => {
    server.seen.length = 0;
    const call = createClient({ url: server.url, retries }).workflows.list();
    await expect(call).rejects.toMatchObject({ status: 503, code: 'unavailable' });
    return server.seen.length;
  };
  expect([await tries(), await tries(0), await tries(5)]).toEqual([3, 1, 6]);
});

const answers503: RequestListener = (_, response) => {
  const problem = { status: 503, code: 'unavailable', detail: 'Try again.' };
  const error = { error: { json: { message: 'Try again.', code: -32603, data: { httpStatus: 503, problem } } } };
  response.writeHead(503).end(JSON.stringify(Array.from({ length: 10 }, () => error)));
};

test.each([
  ['the connection broke', broken],
  ['a proxy answered', unavailable],
  ['each call was answered', answers503],
])('queries that failed together go out together again: %s', async (_, listener) => {
  await using server = await serveApi((turn) => (turn < 2 ? listener : undefined));
  const client = createClient({ url: server.url });
  await Promise.all(Array.from({ length: 10 }, () => client.workflows.get({ id })));
  expect(server.seen.map(({ path }) => path.split(',').length)).toEqual([10, 10, 10]);
});

test('Retry-After of a refusal is waited for; the caller sees it when it is too long', async () => {
  await using server = await serveApi(firstly(answer(429, 'rate_limited', { 'retry-after': '1' })));
  const started = performance.now();
  await createClient({ url: server.url }).workflows.list();
  expect(performance.now() - started).toBeGreaterThan(990);
  await using busy = await serveApi(() => answer(429, 'rate_limited', { 'retry-after': '3600' }));
  await expect(createClient({ url: busy.url }).workflows.list()).rejects.toMatchObject({ retryAfter: 3_600 });
  expect(busy.seen).toHaveLength(1);
});

test('what would go wrong again is not sent again', async () => {
  await using server = await serveApi();
  const call = createClient({ url: server.url }).workflows.get({ id: '0b671a64-40d5-491e-99b0-da01ff1f3341' });
  await expect(call).rejects.toMatchObject({ code: 'not_found' });
  expect(server.seen).toHaveLength(1);
});

test.each([
  ['login', broken, 2],
  ['login', unavailable, 2],
  ['register', broken, 1],
  ['register', unavailable, 1],
  ['register', answer(429, 'rate_limited'), 2],
] as const)('%s, which has no key, is sent again only where that does no harm', async (name, listener, times) => {
  await using server = await serveApi(firstly(listener));
  await Promise.allSettled([createClient({ url: server.url }).auth[name](credentials)]);
  expect(pathsOf(server.seen)).toEqual(Array.from({ length: times }, () => `auth.${name}`));
  expect(server.seen[0]?.headers).not.toHaveProperty('idempotency-key');
});

test('every call has a key of its own, or the caller’s', async () => {
  await using server = await serveApi();
  const client = createClient({ url: server.url });
  await Promise.all([client.workflows.publish({ id }), client.workflows.publish({ id })]);
  await client.workflows.publish({ id }, { idempotencyKey: 'order 7' });
  const keys = server.seen.map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys).size).toBe(3);
  expect(keys[2]).toBe('order 7');
  for (const idempotencyKey of ['', 'x'.repeat(256), 'ключ', 'a\nb', ' a']) {
    await expect(client.workflows.publish({ id }, { idempotencyKey })).rejects.toThrow('idempotencyKey must be');
  }
  expect(server.seen).toHaveLength(3);
});

test('where there is no Web Crypto, as in Node 18, keys are unique all the same', async () => {
  vi.stubGlobal('crypto', undefined);
  await using server = await serveApi();
  const client = createClient({ url: server.url });
  await Promise.all(Array.from({ length: 5 }, () => client.workflows.publish({ id })));
  vi.unstubAllGlobals();
  const keys = server.seen.map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys).size).toBe(5);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
});

test('aborting ends the pause between two tries at once', async () => {
  await using server = await serveApi(() => answer(429, 'rate_limited', { 'retry-after': '30' }));
  const call = createClient({ url: server.url }).workflows.list({}, { signal: AbortSignal.timeout(200) });
  const started = performance.now();
  await expect(call).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(server.seen).toHaveLength(1);
});
