import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Json } from '@flowplane/contract/json';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { startServer, type TestServer } from '@flowplane/egress/test-server';
import { NodeError } from '@flowplane/engine/node-error';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpRequest } from './http-request.ts';
import { context, failureOf } from './testing-context.ts';

let server: TestServer;
let received: {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
};
const egress = createGuardedFetch({ allowPrivate: ['127.0.0.1'] });
const type = httpRequest(egress.fetch);

const answers: Record<string, (response: ServerResponse) => void> = {
  '/json': (response) =>
    response.setHeader('content-type', 'application/json; charset=utf-8').end('{"b":1,"a":[null]}'),
  '/problem': (response) => response.setHeader('content-type', 'application/problem+json').end('{"title":"x"}'),
  '/text': (response) => response.setHeader('content-type', 'text/plain').end('{"not":"parsed"} é'),
  '/bytes': (response) => response.end(Buffer.from([0, 255, 1])),
  '/empty': (response) => response.setHeader('content-type', 'application/json').writeHead(204).end(),
  '/broken': (response) => response.setHeader('content-type', 'application/json').end('{'),
  '/busy': (response) => response.writeHead(429, { 'retry-after': '7' }).end(),
  '/closed': (response) =>
    response.writeHead(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }).end(),
  '/patient': (response) => response.writeHead(503, { 'retry-after': '999999999' }).end(),
  '/unclear': (response) => response.writeHead(503, { 'retry-after': 'soon' }).end(),
  '/secret': (response) => response.writeHead(400).end(`${'x'.repeat(495)}top-secret`),
  '/teapot': (response) => response.writeHead(418).end('short and stout'),
  '/large': (response) => response.end('x'.repeat(1_100_000)),
  '/moved': (response) => response.writeHead(302, { location: '/json' }).end(),
  '/hang': () => {},
};

beforeAll(async () => {
  server = await startServer(async (request, response) => {
    received = { method: request.method, url: request.url, headers: request.headers, body: await text(request) };
    const answer = answers[new URL(request.url ?? '', 'http://x').pathname];
    if (answer) answer(response);
    else response.writeHead(404).end();
  });
});
afterAll(async () => {
  await egress.close();
  await server[Symbol.asyncDispose]();
});

const at = (path: string) => `http://127.0.0.1:${server.port}${path}`;

async function output(params: Parameters<typeof type.run>[0]) {
  return (await type.run(params, context())).output;
}

test('the request goes out as written, with the step’s idempotency key and its query added', async () => {
  await output({
    method: 'POST',
    url: at('/json?a=1'),
    query: { b: 'x y', c: 2, d: true },
    headers: { 'X-Own': 'v' },
    body: { z: 1, a: 2 },
  });
  expect(received).toMatchObject({ method: 'POST', url: '/json?a=1&b=x+y&c=2&d=true', body: '{"z":1,"a":2}' });
  expect(received.headers).toMatchObject({
    'idempotency-key': 'execution:step',
    'content-type': 'application/json',
    'x-own': 'v',
  });
  await output({
    method: 'PUT',
    url: at('/json'),
    headers: { 'Idempotency-Key': 'own', 'Content-Type': 'a/b' },
    body: 'as is',
  });
  expect(received).toMatchObject({ body: 'as is' });
  expect(received.headers).toMatchObject({ 'idempotency-key': 'own', 'content-type': 'a/b' });
});

test('a list repeats its parameter and null leaves it out, in the query and in a form', async () => {
  const fields = { a: [1, 'x y', true], b: null, c: 'é&=' };
  await output({ method: 'POST', url: at('/json'), query: fields, body: fields, bodyType: 'form' });
  const encoded = 'a=1&a=x+y&a=true&c=%C3%A9%26%3D';
  expect(received).toMatchObject({ url: `/json?${encoded}`, body: encoded });
  expect(received.headers['content-type']).toBe('application/x-www-form-urlencoded');
});

test('a body is sent as its type says, with the content type that the headers do not give', async () => {
  const sent = async (bodyType: string, body: Json, headers: Record<string, string> = {}) => {
    await output({ method: 'POST', url: at('/json'), bodyType, body, headers });
    return [received.headers['content-type'], received.body];
  };
  expect(await sent('json', 'a')).toEqual(['application/json', '"a"']);
  expect(await sent('json', null)).toEqual(['application/json', 'null']);
  expect(await sent('text', 'é')).toEqual(['text/plain; charset=utf-8', 'é']);
  expect(await sent('base64', 'aGk=')).toEqual(['application/octet-stream', 'hi']);
  expect(await sent('base64', 'aGk=', { 'Content-Type': 'image/png' })).toEqual(['image/png', 'hi']);
  expect(await sent('auto', 'as is')).toEqual([undefined, 'as is']);
  const wrong: [string, Json][] = [
    ['form', [1]],
    ['form', { a: { b: 1 } }],
    ['text', 1],
    ['base64', 'a'],
    ['base64', 'a*=='],
    ['xml', ''],
  ];
  for (const [bodyType, body] of wrong) {
    const failed = await failureOf(type, { method: 'POST', url: at('/json'), bodyType, body });
    expect(failed).toMatchObject({ code: 'invalid_params', message: expect.stringMatching(/params\.body/) });
  }
});

test('redirects are followed as often as wanted; with 0 the redirect is the answer', async () => {
  expect(await output({ url: at('/moved') })).toMatchObject({ status: 200 });
  expect(await output({ url: at('/moved'), redirects: 0 })).toMatchObject({
    status: 302,
    headers: { location: '/json' },
  });
});

test('the answer is read by its type unless the author says how', async () => {
  expect(await output({ url: at('/json') })).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: { b: 1, a: [null] },
  });
  expect(await output({ url: at('/problem') })).toMatchObject({ body: { title: 'x' } });
  expect(await output({ url: at('/text') })).toMatchObject({ body: '{"not":"parsed"} é' });
  expect(await output({ url: at('/json'), response: 'text' })).toMatchObject({ body: '{"b":1,"a":[null]}' });
  expect(await output({ url: at('/bytes'), response: 'base64' })).toMatchObject({ body: 'AP8B' });
  expect(await output({ url: at('/empty') })).toMatchObject({ status: 204, body: null });
  expect(await output({ method: 'HEAD', url: at('/json') })).toMatchObject({ status: 200, body: null });
  expect(await failureOf(type, { url: at('/bytes') })).toMatchObject({
    code: 'invalid_response',
    message: expect.stringContaining('set response to base64'),
  });
  const broken = { code: 'invalid_response', message: expect.stringContaining('not JSON') };
  expect(await failureOf(type, { url: at('/broken') })).toMatchObject(broken);
  expect(await failureOf(type, { url: at('/bytes'), response: 'json' })).toMatchObject(broken);
});

test('a status of 400 or more fails the step with what the server said, unless any is expected', async () => {
  expect(await failureOf(type, { url: at('/teapot') })).toEqual({
    code: 'http_status',
    message: 'The server answered 418: short and stout',
  });
  expect(await output({ url: at('/teapot'), expect: [200, 418] })).toMatchObject({ status: 418 });
  expect(await failureOf(type, { url: at('/json'), expect: [418] })).toMatchObject({ code: 'http_status' });
  expect(await output({ url: at('/teapot'), expect: 'any' })).toMatchObject({ status: 418, body: 'short and stout' });
});

test('what does not work out has a code: no time, no room, no server, no URL, no entry', async () => {
  expect(await failureOf(type, { url: at('/hang'), timeoutSeconds: 0.2 })).toMatchObject({ code: 'egress_timeout' });
  expect(await failureOf(type, { url: at('/large') })).toMatchObject({ code: 'egress_too_large' });
  expect(await failureOf(type, { url: 'http://127.0.0.1:1/' })).toMatchObject({ code: 'egress_failed' });
  expect(await failureOf(type, { url: 'no url', query: { a: 1 } })).toMatchObject({ code: 'egress_invalid_url' });
  expect(await failureOf(type, { url: 'no url' })).toMatchObject({ code: 'egress_invalid_url' });
  expect(await failureOf(type, { url: 'http://127.0.0.2/' })).toMatchObject({ code: 'egress_blocked' });
  expect(await failureOf(type, { url: 'http://169.254.169.254/latest' })).toMatchObject({ code: 'egress_blocked' });
  expect(await failureOf(type, { url: at('/json'), method: 'TRACE' })).toMatchObject({ code: 'invalid_params' });
  expect(await failureOf(type, { url: at('/json'), headers: { Host: 'x' } })).toMatchObject({
    code: 'egress_invalid_request',
  });
});

test('an aborted step gives its connection up at once', async () => {
  const controller = new AbortController();
  const failing = failureOf(type, { url: at('/hang') }, context({ signal: controller.signal }));
  setTimeout(() => controller.abort(), 100);
  const started = performance.now();
  expect((await failing).code).toBe('egress_aborted');
  expect(performance.now() - started).toBeLessThan(2_000);
});

test('a credential wins over what the author wrote in its place, and is asked for with a URL that is without it', async () => {
  const asked: string[] = [];
  const credential = async (url: string) => {
    asked.push(url);
    return { headers: { 'x-key': 'of the credential' }, query: { key: 'k&1' }, secretHeaders: ['x-key'] };
  };
  const params = { url: at('/json?key=own'), query: { a: 1 }, headers: { 'X-Key': 'own', 'x-other': 'own' } };
  const { output: given } = await type.run(params, context({ credential }));
  expect(given).toMatchObject({ status: 200 });
  expect(asked).toEqual([at('/json?key=own&a=1')]);
  expect(received).toMatchObject({ url: '/json?key=k%261&a=1' });
  expect(received.headers).toMatchObject({ 'x-key': 'of the credential', 'x-other': 'own' });
});

test('what a server said is redacted before it is cut', async () => {
  const redact = (text: string) => text.replaceAll('top-secret', '[redacted]');
  const failed = await failureOf(type, { url: at('/secret') }, context({ redact }));
  expect(failed.message).toMatch(/x\[reda$/);
});

test('a failure carries what `Retry-After` asks for, a day at most', async () => {
  const afterMs = async (path: string) => {
    const failed = await Promise.resolve(type.run({ url: at(path) }, context())).catch((error: unknown) => error);
    return failed instanceof NodeError ? failed.retryAfterMs : expect.fail('it did not fail');
  };
  expect(await afterMs('/busy')).toBe(7_000);
  const closed = (await afterMs('/closed')) ?? 0;
  expect(closed).toBeGreaterThan(50_000);
  expect(closed).toBeLessThanOrEqual(60_000);
  expect(await afterMs('/patient')).toBe(86_400_000);
  expect(await afterMs('/unclear')).toBeUndefined();
  expect(await afterMs('/teapot')).toBeUndefined();
});
