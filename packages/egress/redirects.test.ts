import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { failure, openEgress, resolveFrom } from './test-egress.ts';
import { startServer } from './test-server.ts';

const lookup = resolveFrom({ 'a.test': ['127.0.0.1'], 'b.test': ['127.0.0.1'], 'private.test': ['127.0.0.1'] });

function egressTo(...allowPrivate: string[]) {
  return openEgress({ allowPrivate, lookup });
}

/** `/to?<url>` and `/to/<status>?<url>` redirect; everything else is remembered. */
async function startRedirector() {
  const seen: { method: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];
  const server = await startServer(async (request, response) => {
    const [, status, location] = /^\/to(?:\/(\d+))?\?(.*)$/.exec(request.url ?? '') ?? [];
    if (location !== undefined) {
      response.writeHead(Number(status ?? 302), { location: decodeURIComponent(location) }).end();
      return;
    }
    seen.push({ method: request.method, headers: request.headers, body: await text(request) });
    response.end('arrived');
  });
  return { ...server, seen };
}

test.each(['http://private.test:PORT/', 'http://127.0.0.1:PORT/', 'http://[::ffff:7f00:1]:PORT/', '//0x7f.1:PORT/'])(
  'threat 19: a redirect from a public host to %s is blocked and never requested there',
  async (target) => {
    await using inside = await startServer((_, response) => response.end('secret'));
    await using server = await startRedirector();
    await using egress = egressTo('a.test');
    const location = encodeURIComponent(target.replace('PORT', String(inside.port)));
    const error = await failure(egress.fetch(`http://a.test:${server.port}/to?${location}`));
    expect(error.code).toBe('egress_blocked');
    expect(inside.connections()).toBe(0);
  },
);

test.each([
  'file:///etc/passwd',
  'ftp://a.test/',
  'gopher://a.test/',
  'data:,hi',
  'http://user:pw@a.test/',
  'http://[',
])('threat 19: a redirect to %s is refused', async (target) => {
  await using server = await startRedirector();
  await using egress = egressTo('a.test');
  const error = await failure(egress.fetch(`http://a.test:${server.port}/to?${encodeURIComponent(target)}`));
  expect(error.code).toBe('egress_invalid_url');
});

test('threat 19: a redirect loop ends after the given number of redirects', async () => {
  await using server = await startRedirector();
  await using egress = egressTo('a.test');
  const loop = `http://a.test:${server.port}/loop`;
  await using looping = await startServer((_, response) => response.writeHead(302, { location: '/loop' }).end());
  const error = await failure(egress.fetch(loop.replace(String(server.port), String(looping.port))));
  expect(error.code).toBe('egress_too_many_redirects');
  expect(looping.requests).toHaveLength(6);
  await failure(egress.fetch(`http://a.test:${looping.port}/`, { maxRedirects: 1 }));
  expect(looping.requests).toHaveLength(8);
});

test('with maxRedirects 0 the redirect itself is the response', async () => {
  await using server = await startRedirector();
  await using egress = egressTo('a.test');
  const response = await egress.fetch(`http://a.test:${server.port}/to?/x`, { maxRedirects: 0 });
  expect(response.status).toBe(302);
  expect(response.headers.location).toBe('/x');
  expect(server.requests).toHaveLength(1);
});

const credentials = {
  authorization: 'Bearer s',
  Cookie: 's=1',
  'X-API-Key': 'k',
  'proxy-authorization': 'Basic s',
  'x-kept': '1',
};

test('credentials follow a redirect within the origin', async () => {
  await using server = await startRedirector();
  await using egress = egressTo('a.test');
  const response = await egress.fetch(`http://a.test:${server.port}/to?/arrived%23part`, { headers: credentials });
  expect(response.url).toBe(`http://a.test:${server.port}/arrived`);
  expect(server.seen[0]?.headers).toMatchObject({
    authorization: 'Bearer s',
    cookie: 's=1',
    'x-api-key': 'k',
    'x-kept': '1',
  });
});

test('threat 19: credentials are dropped when the origin changes, and stay dropped when a redirect leads back', async () => {
  await using server = await startRedirector();
  await using egress = egressTo('a.test', 'b.test');
  const a = `http://a.test:${server.port}`;
  const b = `http://b.test:${server.port}`;
  await egress.fetch(`${a}/to?${b}/there`, { headers: credentials });
  await egress.fetch(`${a}/to?${encodeURIComponent(`${b}/to?${a}/back`)}`, { headers: credentials });
  expect(server.seen.map(({ headers }) => headers.host)).toEqual([`b.test:${server.port}`, `a.test:${server.port}`]);
  for (const { headers } of server.seen) {
    expect(headers).toMatchObject({ 'x-kept': '1' });
    for (const name of ['authorization', 'cookie', 'x-api-key', 'proxy-authorization'])
      expect(headers).not.toHaveProperty(name);
  }
});

test('headers that the caller calls secret are dropped likewise', async () => {
  await using server = await startRedirector();
  await using egress = egressTo('a.test', 'b.test');
  const request = { headers: { 'X-Shop-Key': 'secret', 'x-plain': 'kept' }, secretHeaders: ['X-Shop-Key'] };
  const back = `http://a.test:${server.port}/end`;
  const away = `http://b.test:${server.port}/to?${encodeURIComponent(back)}`;
  await egress.fetch(`http://a.test:${server.port}/to?${encodeURIComponent('/end')}`, request);
  await egress.fetch(`http://a.test:${server.port}/to?${encodeURIComponent(away)}`, request);
  expect(server.seen.map(({ headers }) => [headers['x-shop-key'], headers['x-plain']])).toEqual([
    ['secret', 'kept'],
    [undefined, 'kept'],
  ]);
});

test('threat 19: another port is another origin', async () => {
  await using other = await startRedirector();
  await using server = await startRedirector();
  await using egress = egressTo('a.test');
  await egress.fetch(`http://a.test:${server.port}/to?http://a.test:${other.port}/x`, { headers: credentials });
  expect(other.seen[0]?.headers).not.toHaveProperty('authorization');
});

test.each([
  [301, 'POST', 'GET', ''],
  [302, 'POST', 'GET', ''],
  [303, 'POST', 'GET', ''],
  [303, 'PUT', 'GET', ''],
  [303, 'HEAD', 'HEAD', ''],
  [301, 'PUT', 'PUT', 'body'],
  [302, 'DELETE', 'DELETE', 'body'],
  [307, 'POST', 'POST', 'body'],
  [308, 'PATCH', 'PATCH', 'body'],
])('%i turns %s into %s with the body %j', async (status, method, expected, body) => {
  await using server = await startRedirector();
  await using egress = egressTo('a.test');
  await egress.fetch(`http://a.test:${server.port}/to/${status}?/end`, {
    method,
    ...(method === 'HEAD' ? {} : { body: 'body', headers: { 'content-type': 'text/x' } }),
  });
  expect(server.seen[0]).toMatchObject({ method: expected, body });
  expect(server.seen[0]?.headers['content-type']).toBe(body === '' ? undefined : 'text/x');
});

test('an endless body on a redirect neither delays nor keeps its connection', async () => {
  await using server = await startServer((request, response) => {
    if (request.url === '/end') response.end('ok');
    else response.writeHead(302, { location: '/end' }).write('x');
  });
  await using egress = egressTo('a.test');
  const response = await egress.fetch(`http://a.test:${server.port}/`, { timeoutMs: 5_000 });
  expect(response.status).toBe(200);
  await expect.poll(server.open).toBe(1);
});
