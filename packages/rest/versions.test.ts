import { initTRPC } from '@trpc/server';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { RestMeta } from './meta.ts';
import { openApiDocument } from './openapi.ts';
import { registerRest } from './routes.ts';
import { testProblem } from './testing-api.ts';

const t = initTRPC.meta<RestMeta>().create();
const at = { tags: ['Things'], summary: 'A thing' };
const id = z.object({ id: z.string() });
const deprecated = { since: '2026-01-01', sunset: '2026-07-01', use: 'v2.get' };
const router = t.router({
  get: t.procedure
    .meta({ openapi: { method: 'GET', path: '/things/{id}', aliases: ['/stuff/{id}'], ...at }, deprecated })
    .input(id)
    .output(z.object({ name: z.string() }))
    .query(({ input }) => ({ name: input.id })),
  create: t.procedure
    .meta({ openapi: { method: 'POST', path: '/things', ...at }, status: 201, deprecated: { since: '2026-01-01' } })
    .input(z.object({ name: z.string() }))
    .output(id)
    .mutation(() => ({ id: 'a' })),
  v2: {
    get: t.procedure
      .meta({ openapi: { method: 'GET', path: '/things/{id}', ...at }, version: 2 })
      .input(id)
      .output(z.object({ names: z.array(z.string()) }))
      .query(({ input }) => ({ names: [input.id] })),
    create: t.procedure
      .meta({ openapi: { method: 'POST', path: '/things', ...at }, version: 2, status: 201 })
      .input(z.object({ names: z.array(z.string()) }))
      .output(id)
      .mutation(() => ({ id: 'a' })),
  },
});
type Options = Parameters<typeof registerRest>[1];

function serve(served: Options['router'] = router) {
  const app = Fastify();
  registerRest(app, { router: served, prefix: '/api', createContext: () => ({}), toProblem: testProblem });
  return app;
}

test('twins of two versions stand beside each other on one path, each with its own shapes', async () => {
  const app = serve();
  expect((await app.inject('/api/v1/things/a')).json()).toEqual({ name: 'a' });
  expect((await app.inject('/api/v2/things/a')).json()).toEqual({ names: ['a'] });
  const made = await app.inject({ method: 'POST', url: '/api/v2/things', payload: { names: [] } });
  expect([made.statusCode, made.headers.location]).toEqual([201, '/api/v2/things/a']);
  expect((await app.inject({ method: 'DELETE', url: '/api/v2/things/a' })).headers.allow).toBe('GET, HEAD, OPTIONS');
  for (const url of ['/api/v3/things/a', '/api/things/a', '/api/v2/stuff/a']) {
    expect((await app.inject(url)).json()).toMatchObject({ status: 404, code: 'not_found' });
  }
});

test('a deprecated operation says on every answer since when, until when, and what to use', async () => {
  const app = serve();
  const goes = {
    deprecation: '@1767225600',
    sunset: 'Wed, 01 Jul 2026 00:00:00 GMT',
    link: '</api/v2/things/a>; rel="successor-version"',
  };
  expect((await app.inject('/api/v1/things/a')).headers).toMatchObject(goes);
  expect((await app.inject('/api/v1/stuff/a')).headers).toMatchObject(goes);
  const refused = await app.inject('/api/v1/things/a?nope=1');
  expect([refused.statusCode, refused.headers]).toEqual([400, expect.objectContaining(goes)]);
  const wrong = await app.inject({
    method: 'POST',
    url: '/api/v1/things',
    payload: '{',
    headers: { 'content-type': 'x' },
  });
  expect([wrong.statusCode, wrong.headers.deprecation, wrong.headers.sunset]).toEqual([415, '@1767225600', undefined]);
  expect((await app.inject('/api/v2/things/a')).headers).not.toHaveProperty('deprecation');
});

test('the document has the paths of every version, and marks what is deprecated', () => {
  const { paths = {} } = openApiDocument(router, { title: 'T', version: '1', prefix: '/api', securitySchemes: {} });
  expect(Object.keys(paths).sort()).toEqual([
    '/api/v1/stuff/{id}',
    '/api/v1/things',
    '/api/v1/things/{id}',
    '/api/v2/things',
    '/api/v2/things/{id}',
  ]);
  const old = paths['/api/v1/things/{id}']?.get;
  expect(old).toMatchObject({ deprecated: true, operationId: 'get' });
  expect(old?.description).toMatch(
    /^\*\*Deprecated\*\* since 2026-01-01, gone from 2026-07-01 on\. Use `GET \/api\/v2\/things\/\{id\}` \(v2\.get\) instead\./,
  );
  expect(Object.keys(Object(old?.responses?.['200']).headers)).toEqual(['Deprecation', 'Sunset', 'Link']);
  expect(paths['/api/v2/things/{id}']?.get).not.toHaveProperty('deprecated');
});

test.each<[Partial<RestMeta>, string]>([
  [{ deprecated: { since: '2026-02-31' } }, '"2026-02-31"'],
  [{ deprecated: { since: 'soon' } }, '"soon"'],
  [{ deprecated: { since: '2026-07-01', sunset: '2026-06-30' } }, 'before its deprecation'],
  [{ deprecated: { since: '2026-07-01', use: 'nothing.here' } }, 'nothing.here'],
  [{ version: 0 }, 'whole number'],
  [{ version: 1.5 }, 'whole number'],
])('%j cannot be registered', (meta, message) => {
  const wrong = t.router({
    get: t.procedure.meta({ openapi: { method: 'GET', path: '/x', ...at }, ...meta }).query(() => 1),
  });
  expect(() => serve(wrong)).toThrow(message);
});

test('two procedures on one path of one version cannot be registered', () => {
  const twin = t.procedure.meta({ openapi: { method: 'GET', path: '/x', ...at }, version: 2 }).query(() => 1);
  expect(() => serve(t.router({ one: twin, two: twin }))).toThrow('are both GET');
});

test('a subscription is a GET', () => {
  const wrong = t.procedure
    .meta({ openapi: { method: 'POST', path: '/x', ...at } })
    .subscription(async function* () {});
  expect(() => serve(t.router({ wrong }))).toThrow('can only be a GET');
});
