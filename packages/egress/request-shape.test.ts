import { expect, test } from 'vitest';
import type { GuardedRequest } from './guarded-fetch.ts';
import { failure, openEgress, resolveFrom } from './test-egress.ts';
import { startServer } from './test-server.ts';

test.each([
  'file:///etc/passwd',
  'ftp://127.0.0.1/',
  'gopher://127.0.0.1:PORT/_GET',
  'data:text/plain,hi',
  '127.0.0.1:PORT',
  '/relative',
  '',
  'http://',
  'http://good@127.0.0.1:PORT/',
  'http://good:pw@127.0.0.1:PORT/',
  'http://:pw@127.0.0.1:PORT/',
  'http://127.0.0.1:PORT/\r\nX-Injected: 1',
  'http://127.0.0.1:PORT/a\tb',
  'ht\ntp://127.0.0.1:PORT/',
  `http://127.0.0.1:PORT/${'a'.repeat(20_000)}`,
])('threat 20: the URL %j is refused without a connection', async (url) => {
  await using server = await startServer((_, response) => response.end());
  await using egress = openEgress({ allowPrivate: ['127.0.0.1'] });
  const error = await failure(egress.fetch(url.replace('PORT', String(server.port))));
  expect(error.code).toBe('egress_invalid_url');
  expect(server.connections()).toBe(0);
});

test.each([
  'http://127.0.0.1:PORT#@good.test/',
  'http://127.0.0.1:PORT\\@good.test/',
  'http://127.0.0.1:PORT?@good.test/',
])('threat 20: the host of %s is read once, as the address it connects to', async (url) => {
  await using server = await startServer((_, response) => response.end());
  const lookup = resolveFrom({ 'good.test': ['127.0.0.1'] });
  await using egress = openEgress({ allowPrivate: ['good.test'], lookup });
  expect((await failure(egress.fetch(url.replace('PORT', String(server.port))))).code).toBe('egress_blocked');
  expect(server.connections()).toBe(0);
});

const refused: [string, GuardedRequest][] = [
  ['a line break in a header value', { headers: { 'x-a': 'b\r\nx-injected: 1' } }],
  ['a line feed in a header value', { headers: { 'x-a': 'b\nc' } }],
  ['a NUL in a header value', { headers: { 'x-a': 'b\0' } }],
  ['a header value beyond Latin-1', { headers: { 'x-a': '\u010d\u010a' } }],
  ['a line break in a header name', { headers: { 'x-a\r\nx-b': '1' } }],
  ['an empty header name', { headers: { '': '1' } }],
  ['a header given twice', { headers: { 'x-a': '1', 'X-A': '2' } }],
  ['Host', { headers: { Host: 'evil.test' } }],
  ['Connection', { headers: { connection: 'x-api-key' } }],
  ['Keep-Alive', { headers: { 'keep-alive': 'timeout=1' } }],
  ['Transfer-Encoding', { headers: { 'Transfer-Encoding': 'chunked' } }],
  ['Content-Length', { body: 'ab', headers: { 'content-length': '1' } }],
  ['Upgrade', { headers: { upgrade: 'websocket' } }],
  ['TE', { headers: { te: 'trailers' } }],
  ['Expect', { headers: { expect: '100-continue' } }],
  ['too many headers', { headers: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x-${i}`, '1'])) }],
  ['too large headers', { headers: { 'x-a': 'a'.repeat(40_000) } }],
  ['CONNECT', { method: 'CONNECT' }],
  ['TRACE', { method: 'trace' }],
  ['a line break in the method', { method: 'GET / HTTP/1.1\r\nX: 1' }],
  ['no time', { timeoutMs: 0 }],
  ['endless time', { timeoutMs: Number.POSITIVE_INFINITY }],
  ['too much time', { timeoutMs: 900_001 }],
  ['a fraction of a byte', { maxBytes: 0.5 }],
  ['too many bytes', { maxBytes: 1e12 }],
  ['too many redirects', { maxRedirects: 21 }],
  ['a number of redirects that is none', { maxRedirects: Number.NaN }],
];

test.each(refused)('threat 20: %s is refused without a connection', async (_, request) => {
  await using server = await startServer((_, response) => response.end());
  await using egress = openEgress({ allowPrivate: ['127.0.0.1'] });
  const error = await failure(egress.fetch(`http://127.0.0.1:${server.port}/`, request));
  expect(error.code).toBe('egress_invalid_request');
  expect(server.connections()).toBe(0);
});

test('method, path, query, headers and a binary body arrive as given', async () => {
  const received: Record<string, unknown>[] = [];
  await using server = await startServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString('hex');
    received.push({ method: request.method, url: request.url, body, headers: request.headers });
    response.writeHead(418, { 'Set-Cookie': ['a=1', 'b=2'], __proto__x: '1' }).end('short and stout');
  });
  await using egress = openEgress({ allowPrivate: ['127.0.0.1'] });
  const response = await egress.fetch(`http://127.0.0.1:${server.port}//a b/%2e%2f?q=\u00e9#part`, {
    method: 'patch',
    headers: { 'Content-Type': 'application/x', 'X-Latin': 'caf\u00e9' },
    body: new Uint8Array([0, 255, 1]),
  });
  expect(received[0]).toMatchObject({ method: 'PATCH', url: '//a%20b/%2e%2f?q=%C3%A9', body: '00ff01' });
  expect(received[0]?.headers).toMatchObject({
    'content-type': 'application/x',
    'x-latin': 'caf\u00e9',
    'content-length': '3',
  });
  expect(response).toMatchObject({ status: 418, url: `http://127.0.0.1:${server.port}//a%20b/%2e%2f?q=%C3%A9` });
  expect(response.headers['set-cookie']).toBe('a=1, b=2');
  expect(new TextDecoder().decode(response.body)).toBe('short and stout');
});

test('no more than the allowed number of connections are open to an origin, and the rest wait their turn', async () => {
  let most = 0;
  await using server = await startServer((_, response) => {
    most = Math.max(most, server.open());
    setTimeout(() => response.end('ok'), 20);
  });
  await using egress = openEgress({ allowPrivate: ['127.0.0.1'], connectionsPerOrigin: 3 });
  const url = `http://127.0.0.1:${server.port}/`;
  const responses = await Promise.all(Array.from({ length: 12 }, () => egress.fetch(url)));
  expect(responses.every(({ status }) => status === 200)).toBe(true);
  expect(most).toBe(3);
});
