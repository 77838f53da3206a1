import type { ServerResponse } from 'node:http';
import type { Json } from '@flowplane/contract/json';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { startServer, type TestServer } from '@flowplane/egress/test-server';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { httpRequest } from './http-request.ts';
import { context, failureOf } from './testing-context.ts';

let server: TestServer;
let keys: unknown[] = [];
const egress = createGuardedFetch({ allowPrivate: ['127.0.0.1', 'localhost'] });
const type = httpRequest(egress.fetch);

const all = [1, 2, 3, 4, 5];

function send(response: ServerResponse, body: Json): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
}

/** A list of five, two a page, in every way of paging. */
const answers: Record<string, (query: URLSearchParams, response: ServerResponse) => void> = {
  '/page': (query, response) => send(response, all.slice((Number(query.get('page')) - 1) * 2).slice(0, 2)),
  '/offset': (query, response) => send(response, { data: all.slice(Number(query.get('skip'))).slice(0, 2) }),
  '/cursor': (query, response) => {
    const from = Number(query.get('cursor') ?? 0);
    send(response, {
      data: { list: all.slice(from, from + 2) },
      next: from + 2 < all.length ? String(from + 2) : null,
    });
  },
  '/link': (query, response) => {
    const from = Number(query.get('from') ?? 0);
    if (from + 2 < all.length) response.setHeader('link', `<?from=${from + 2}>; rel="next", </x>; rel="prev"`);
    send(response, all.slice(from, from + 2));
  },
  '/next': (query, response) => {
    const from = Number(query.get('from') ?? 0);
    const next: Json = from + 2 < all.length ? { next: `/next?from=${from + 2}&q=a%20b` } : {};
    send(response, { items: all.slice(from, from + 2), links: next });
  },
  '/loop': (_, response) => send(response, { items: [1], links: { next: '/loop' } }),
  '/away': (_, response) =>
    send(response, { items: [1], links: { next: `http://localhost:${server.port}/next?from=2` } }),
  '/nowhere': (_, response) => send(response, { items: [1], links: { next: { href: '/next' } } }),
  '/endless': (_, response) =>
    send(
      response,
      Array.from({ length: 3_000 }, () => 0),
    ),
  '/large': (_, response) => send(response, ['x'.repeat(600_000)]),
  '/breaks': (query, response) => {
    if (query.get('page') === '2') response.setHeader('retry-after', '30').writeHead(429).end('slow down');
    else send(response, [1]);
  },
  '/slow': (query, response) => {
    if (query.get('page') === '1') send(response, [1]);
  },
  '/gone': (query, response) => (query.get('page') === '1' ? send(response, [1]) : response.writeHead(204).end()),
};

beforeAll(async () => {
  server = await startServer((request, response) => {
    keys.push(request.headers['idempotency-key']);
    const url = new URL(request.url ?? '', 'http://x');
    answers[url.pathname]?.(url.searchParams, response);
  });
});
beforeEach(() => {
  keys = [];
});
afterAll(async () => {
  await egress.close();
  await server[Symbol.asyncDispose]();
});

const params = (path: string, pagination: Json, more: { [key: string]: Json } = {}) => ({
  url: `http://127.0.0.1:${server.port}${path}`,
  pagination,
  ...more,
});

async function output(path: string, pagination: Json, more: { [key: string]: Json } = {}): Promise<Json> {
  return (await type.run(params(path, pagination, more), context())).output;
}

test('every way of paging reads all items in order, and says that they are all', async () => {
  const complete = { status: 200, body: all, pages: 3, complete: true };
  expect(await output('/page', { mode: 'page', pageSize: 2 })).toMatchObject(complete);
  expect(await output('/offset', { mode: 'offset', parameter: 'skip', items: 'data', pageSize: 2 })).toMatchObject(
    complete,
  );
  expect(await output('/cursor', { mode: 'cursor', cursor: 'next', items: 'data.list' })).toMatchObject(complete);
  expect(await output('/link', { mode: 'link' })).toMatchObject(complete);
  expect(await output('/next', { mode: 'next', next: 'links.next', items: 'items' })).toMatchObject(complete);
  expect(await output('/page', { mode: 'page' })).toMatchObject({ ...complete, pages: 4 });
  expect(await output('/gone', { mode: 'page' })).toMatchObject({ status: 204, body: [1], pages: 2, complete: true });
});

test('the query stays on every page that has no link of its own, and each page has its idempotency key', async () => {
  const from = server.requests.length;
  await output('/cursor?a=1', { mode: 'cursor', cursor: 'next', items: 'data.list' }, { query: { b: ['x', 'y'] } });
  await output('/next', { mode: 'next', next: 'links.next', items: 'items', maxPages: 2 });
  expect(server.requests.slice(from)).toEqual([
    'GET /cursor?a=1&b=x&b=y',
    'GET /cursor?a=1&b=x&b=y&cursor=2',
    'GET /cursor?a=1&b=x&b=y&cursor=4',
    'GET /next',
    'GET /next?from=2&q=a%20b',
  ]);
  expect(keys).toEqual([
    'execution:step',
    'execution:step:2',
    'execution:step:3',
    'execution:step',
    'execution:step:2',
  ]);
});

test('each page is a sign of life, which says how many there are so far', async () => {
  const told: unknown[] = [];
  const given = context({ heartbeat: (progress) => told.push(progress) });
  await type.run(params('/page', { mode: 'page', pageSize: 2 }), given);
  expect(told).toEqual([
    { pages: 1, items: 2 },
    { pages: 2, items: 4 },
    { pages: 3, items: 5 },
  ]);
});

test('reading ends at the most pages, and says that there is more', async () => {
  expect(await output('/page', { mode: 'page', maxPages: 2 })).toMatchObject({
    body: [1, 2, 3, 4],
    pages: 2,
    complete: false,
  });
  expect(await output('/page', { mode: 'page', start: 3, maxPages: 1 })).toMatchObject({ body: [5], complete: false });
});

test('a next page on another host is refused unless it is allowed', async () => {
  const next = { mode: 'next', next: 'links.next', items: 'items' };
  expect(await failureOf(type, params('/away', next))).toEqual({
    code: 'foreign_next_page',
    message: expect.stringMatching(/Page 1 .*http:\/\/localhost:\d+.*\.allowHosts$/),
  });
  const allowHosts = [`localhost:${server.port}`];
  expect(await output('/away', { ...next, allowHosts, maxPages: 2 })).toMatchObject({ body: [1, 3, 4] });
});

test('pages that do not work out fail with a code', async () => {
  const next = { mode: 'next', next: 'links.next', items: 'items' };
  expect(await failureOf(type, params('/loop', next))).toMatchObject({ code: 'pagination_loop' });
  const invalid = (message: RegExp) => ({ code: 'invalid_response', message: expect.stringMatching(message) });
  expect(await failureOf(type, params('/nowhere', next))).toMatchObject(invalid(/Page 1 .*links\.next/));
  expect(await failureOf(type, params('/next', { mode: 'page' }))).toMatchObject(invalid(/Page 1 .*pagination\.items/));
  expect(await failureOf(type, params('/page', { mode: 'page', items: 'data' }))).toMatchObject(
    invalid(/no list at data/),
  );
  expect(await failureOf(type, params('/endless', { mode: 'page' }))).toMatchObject({ code: 'too_many_items' });
  expect(await failureOf(type, params('/large', { mode: 'page' }))).toMatchObject({ code: 'value_too_large' });
  expect(await failureOf(type, params('/breaks', { mode: 'page' }))).toEqual({
    code: 'http_status',
    message: 'The server answered 429 and asks to be tried again after 30 s: slow down',
  });
  const started = performance.now();
  const slow = await failureOf(type, params('/slow', { mode: 'page' }, { timeoutSeconds: 0.5 }));
  expect(slow).toMatchObject({ code: 'egress_timeout' });
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('pagination that cannot work is refused by field', async () => {
  const refused: [Json, { [key: string]: Json }, RegExp][] = [
    [{ mode: 'pages' }, {}, /pagination/],
    [{ mode: 'page', maxPages: 101 }, {}, /pagination\.maxPages/],
    [{ mode: 'next' }, {}, /pagination\.next/],
    [{ mode: 'cursor', cursor: 'a b' }, {}, /pagination\.cursor: must be a path/],
    [{ mode: 'page' }, { response: 'text' }, /response: must be auto or json/],
  ];
  for (const [pagination, more, message] of refused) {
    const failed = await failureOf(type, params('/page', pagination, more));
    expect(failed).toMatchObject({ code: 'invalid_params', message: expect.stringMatching(message) });
  }
});
