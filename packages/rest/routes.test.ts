import { setTimeout } from 'node:timers/promises';
import { initTRPC, TRPCError } from '@trpc/server';
import Fastify, { type FastifyInstance } from 'fastify';
import superjson from 'superjson';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { frameworkErrors } from './framework-errors.ts';
import type { RestMeta } from './meta.ts';
import { registerRest } from './routes.ts';
import { testContext, testProblem, testRouter } from './testing-api.ts';
import { registerTrpc } from './trpc.ts';

let app: FastifyInstance;
const api = '/api/v1';

beforeAll(async () => {
  app = Fastify({ bodyLimit: 10_000, frameworkErrors: frameworkErrors(testProblem) });
  registerRest(app, { router: testRouter, prefix: '/api', createContext: testContext, toProblem: testProblem });
  await app.ready();
});
afterAll(() => app.close());

function send(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS',
  path: string,
  more: { payload?: string; headers?: Record<string, string> } = {},
) {
  return app.inject({ method, url: api + path, ...more });
}

function sendJson(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, payload: unknown) {
  return app.inject({
    method,
    url: api + path,
    payload: JSON.stringify(payload),
    headers: { 'content-type': 'application/json' },
  });
}

describe('routing', () => {
  test('a static path wins over a parameter, whichever was declared first', async () => {
    expect((await send('GET', '/notes/stats')).json()).toEqual({ count: 7 });
  });

  test('another method on a static path is 405, not the parameter path that also matches it', async () => {
    const answer = await send('DELETE', '/notes/stats');
    expect(answer.statusCode).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD, OPTIONS');
  });

  test('405 names every method of the path and is a problem, whatever the body', async () => {
    const answer = await send('PUT', '/notes/1', { payload: 'a=b', headers: { 'content-type': 'text/plain' } });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers.allow?.toString().split(', ').sort()).toEqual(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH']);
    expect(answer.json()).toMatchObject({ status: 405, code: 'method_not_allowed' });
  });

  test.each(['/Notes', '/notes/', '/notes/1/2', '/nope', ''])('%s is an unknown path', async (path) => {
    const answer = await send('POST', path, { payload: 'x', headers: { 'content-type': 'text/plain' } });
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'not_found', requestId: expect.any(String) });
  });

  test('a URL that Fastify itself refuses is a problem', async () => {
    expect((await send('GET', '/notes/%zz')).json()).toMatchObject({ status: 400, code: 'bad_request' });
    expect((await send('GET', `/notes/${'x'.repeat(200)}`)).json()).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('an alias answers the same', async () => {
    expect((await send('GET', '/memos?limit=3')).json()).toEqual((await send('GET', '/notes?limit=3')).json());
  });

  test('HEAD has the headers of GET and no body', async () => {
    const [head, get] = [await send('HEAD', '/notes/stats'), await send('GET', '/notes/stats')];
    expect([head.statusCode, head.body]).toEqual([200, '']);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
  });

  test('OPTIONS says what is allowed', async () => {
    const answer = await send('OPTIONS', '/notes');
    expect([answer.statusCode, answer.headers.allow]).toEqual([204, 'GET, POST, HEAD, OPTIONS']);
  });

  test('procedures without a route and subscriptions have none', async () => {
    expect((await send('GET', '/notes/hidden', { headers: { 'x-caller': 'ann' } })).json().id).toBe('hidden');
    expect((await send('GET', '/notes.watch')).statusCode).toBe(404);
  });
});

describe('bodies', () => {
  const good = JSON.stringify({ title: 'x' });

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'Application/JSON',
  ])('%s is JSON', async (type) => {
    expect((await send('POST', '/notes', { payload: good, headers: { 'content-type': type } })).statusCode).toBe(201);
  });

  test.each([
    'application/jsonx',
    'application/json\t',
    ' application/json',
    'application/json,text/plain',
    'application/json; charset=utf-16',
    'text/plain',
    'text/plain; application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/problem+json',
    'json',
    '',
  ])('%j is refused with 415', async (type) => {
    const answer = await send('POST', '/notes', { payload: good, headers: { 'content-type': type } });
    expect([answer.statusCode, answer.json().code]).toEqual([415, 'unsupported_media_type']);
  });

  test('a body without a type is refused with 415', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: `${api}/notes`,
      payload: Buffer.from(good),
      headers: { 'content-type': undefined },
    });
    expect(answer.statusCode).toBe(415);
  });

  test.each(['{"title":', '{"title":"x"}}', 'nonsense', `${'['.repeat(3000)}${']'.repeat(3000)}`])(
    'malformed JSON %j is a 400',
    async (payload) => {
      const answer = await send('POST', '/notes', { payload, headers: { 'content-type': 'application/json' } });
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_json']);
    },
  );

  test.each([
    '{"title":"x","__proto__":{"polluted":1}}',
    '{"title":"x","\\u005f_proto__":{"polluted":1}}',
    '{"title":"x","constructor":{"prototype":{"polluted":1}}}',
  ])('%s pollutes nothing', async (payload) => {
    const answer = await send('POST', '/notes', { payload, headers: { 'content-type': 'application/json' } });
    expect(answer.statusCode).toBe(400);
    expect('polluted' in {}).toBe(false);
  });

  test('a body over the limit is a 413', async () => {
    const answer = await sendJson('POST', '/notes', { title: 'x'.repeat(20_000) });
    expect([answer.statusCode, answer.json().code]).toEqual([413, 'payload_too_large']);
  });

  test.each([{ payload: undefined }, { payload: '' }, { payload: '{}' }])(
    'a mutation without input accepts $payload',
    async ({ payload }) => {
      const headers: Record<string, string> = payload === undefined ? {} : { 'content-type': 'application/json' };
      expect((await send('POST', '/notes/archive', { payload: payload ?? '', headers })).statusCode).toBe(202);
    },
  );

  test.each([[[]], ['x'], [1], [null]])('a body that is %j instead of an object is a 400', async (body) => {
    expect((await sendJson('POST', '/notes', body)).json()).toMatchObject({ status: 400, code: 'invalid_body' });
  });

  test('a body cannot set a path parameter', async () => {
    expect((await sendJson('PATCH', '/notes/5', { id: 6 })).json()).toMatchObject({
      status: 400,
      code: 'path_mismatch',
      errors: [{ path: 'id' }],
    });
    expect((await sendJson('PATCH', '/notes/5', { id: 5 })).json()).toEqual({ id: 5, title: 'unchanged' });
    expect((await sendJson('PATCH', '/notes/5', { id: '5', title: 't' })).json()).toEqual({ id: 5, title: 't' });
  });

  test('a DELETE takes query parameters and no body', async () => {
    expect((await sendJson('DELETE', '/notes/1?force=true', {})).statusCode).toBe(204);
    expect((await sendJson('DELETE', '/notes/1', { force: true })).statusCode).toBe(400);
  });

  test('ISO strings become dates only where the schema says date and nothing takes the string first', async () => {
    const iso = '2026-05-06T07:08:09Z';
    expect((await sendJson('POST', '/notes', { title: 'x', due: iso, when: iso })).json().types).toEqual([
      'date',
      'string',
    ]);
    expect((await sendJson('POST', '/notes', { title: 'x', due: 'soon' })).json()).toMatchObject({
      status: 400,
      errors: [{ path: 'due' }],
    });
    expect((await sendJson('POST', '/notes', { title: iso })).json().title).toBe(iso);
  });

  test('recursive inputs and outputs pass', async () => {
    const tree = { name: 'a', children: [{ name: 'b', children: [] }] };
    expect((await sendJson('PUT', '/tree', tree)).json()).toEqual(tree);
  });
});

describe('query strings', () => {
  const inputOf = async (query: string) => (await send('GET', `/notes?${query}`)).json().input;

  test('values are decoded by the type of the schema', async () => {
    expect(await inputOf('enabled=false&limit=5&since=2026-01-01&ids=1&ids=2&mode=all')).toEqual({
      enabled: false,
      limit: 5,
      since: '2026-01-01T00:00:00.000Z',
      ids: [1, 2],
      mode: 'all',
    });
    expect(await inputOf('ids=7&mode=3')).toEqual({ limit: 20, ids: [7], mode: 3 });
    const where = encodeURIComponent('{"name":"n","before":"2026-01-01T00:00:00Z"}');
    expect(await inputOf(`where=${where}`)).toEqual({
      limit: 20,
      where: { name: 'n', before: '2026-01-01T00:00:00.000Z' },
    });
  });

  test.each([
    'enabled=yes',
    'limit=',
    'limit=0x10',
    'limit=1e999',
    'limit=5&limit=6',
    'since=yesterday',
    'since=2026-13-01',
    'ids=a',
    'where=%7B',
    'where=x',
  ])('%s is a 400 that names the field', async (query) => {
    const answer = await send('GET', `/notes?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors[0].path).toMatch(new RegExp(`^${query.split('=')[0]}`));
  });

  test('unknown parameters are named, also where there is no input and on a mutation', async () => {
    const answer = await send('GET', '/notes?nope=1&limit=2&__proto__=3');
    expect(answer.json()).toMatchObject({
      status: 400,
      code: 'unknown_parameter',
      errors: [{ path: 'nope' }, { path: '__proto__' }],
    });
    expect((await send('GET', '/notes/stats?x=1')).statusCode).toBe(400);
    expect((await sendJson('POST', '/notes?title=x', { title: 'y' })).statusCode).toBe(400);
    expect((await send('GET', '/notes/1?id=2', { headers: { 'x-caller': 'ann' } })).statusCode).toBe(400);
  });
});

describe('answers', () => {
  test('201 has a Location under the prefix, escaped', async () => {
    const answer = await sendJson('POST', '/notes', { title: 'x' });
    expect([answer.statusCode, answer.headers.location]).toEqual([201, '/api/v1/notes/n%201']);
    expect((await sendJson('POST', '/notes/a%2Fb/versions', {})).headers.location).toBe(
      '/api/v1/notes/a%2Fb/versions/3',
    );
  });

  test('the declared status and location hold, and hints override them', async () => {
    const usual = await send('POST', '/notes/archive');
    expect([usual.statusCode, usual.headers.location, usual.headers['x-archived']]).toEqual([
      202,
      '/api/v1/jobs/j1',
      '1',
    ]);
    const quick = await send('POST', '/notes/archive', { headers: { 'x-caller': 'quick' } });
    expect(quick.statusCode).toBe(200);
  });

  test('204 has no body', async () => {
    const answer = await send('DELETE', '/notes/1');
    expect([answer.statusCode, answer.body, answer.headers['content-type']]).toEqual([204, '', undefined]);
  });

  test('dates leave as ISO strings', async () => {
    const answer = await send('GET', '/notes/1', { headers: { 'x-caller': 'ann' } });
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.json()).toEqual({ id: '1', title: 'A note', createdAt: '2026-01-02T03:04:05.678Z', readAt: null });
  });

  test('errors are what toProblem makes of them; 401 says how to sign in; hints hold for errors', async () => {
    const nobody = await send('GET', '/notes/1');
    expect([nobody.statusCode, nobody.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    const busy = await send('GET', '/busy');
    expect([busy.statusCode, busy.headers['retry-after']]).toEqual([429, '7']);
    const crash = await send('GET', '/crash');
    expect(crash.statusCode).toBe(500);
    expect(crash.body).not.toMatch(/secret|stack/);
  });

  test('a context that cannot be made is a problem', async () => {
    await using broken = Fastify();
    const createContext = () => {
      throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Bad token.' });
    };
    registerRest(broken, { router: testRouter, prefix: '/api', createContext, toProblem: testProblem });
    const answer = await broken.inject(`${api}/notes/stats`);
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  test('a procedure is told when its caller leaves, and not when a body was merely read', async () => {
    const t = initTRPC.meta<RestMeta>().create({ transformer: superjson });
    const seen: string[] = [];
    const left = Promise.withResolvers<void>();
    const wait = t.procedure
      .meta({ openapi: { method: 'POST', path: '/wait', tags: [], summary: 'Waits' } })
      .input(z.object({ forever: z.boolean() }))
      .output(z.object({}))
      .mutation(async ({ input, signal }) => {
        await setTimeout(50);
        seen.push(signal?.aborted ? 'aborted' : 'there');
        if (!input.forever) return {};
        signal?.addEventListener('abort', () => left.resolve());
        await left.promise;
        return {};
      });
    await using server = Fastify();
    const router = t.router({ wait });
    registerRest(server, { router, prefix: '/api', createContext: () => ({}), toProblem: testProblem });
    registerTrpc(server, { router, prefix: '/trpc', createContext: () => ({}) });
    const origin = await server.listen({ port: 0 });
    const post = (url: string, body: unknown, signal: AbortSignal) =>
      fetch(origin + url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal,
      });
    const calm = new AbortController().signal;
    expect((await post(`${api}/wait`, { forever: false }, calm)).status).toBe(200);
    expect((await post('/trpc/wait', { json: { forever: false } }, calm)).status).toBe(200);
    await expect(post(`${api}/wait`, { forever: true }, AbortSignal.timeout(150))).rejects.toThrow();
    await left.promise;
    expect(seen).toEqual(['there', 'there', 'there']);
  });
});
