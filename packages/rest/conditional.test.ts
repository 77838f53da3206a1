import { initTRPC } from '@trpc/server';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { RestMeta } from './meta.ts';
import { RestError } from './rest-error.ts';
import { registerRest } from './routes.ts';

const t = initTRPC.meta<RestMeta>().create();
const thing = z.object({ id: z.string(), revision: z.int(), name: z.string() });
const base = { tags: ['things'], summary: 'A thing' };

function things() {
  const stored = { id: 'a', revision: 3, name: 'Three' };
  const seen: unknown[] = [];
  const router = t.router({
    get: t.procedure
      .meta({ openapi: { method: 'GET', path: '/things/{id}', ...base }, etag: 'revision' })
      .input(z.strictObject({ id: z.string() }))
      .output(thing)
      .query(() => stored),
    create: t.procedure
      .meta({ openapi: { method: 'POST', path: '/things', ...base }, etag: 'revision', status: 201 })
      .input(z.strictObject({}))
      .output(thing)
      .mutation(({ input }) => {
        seen.push(input);
        return stored;
      }),
    update: t.procedure
      .meta({ openapi: { method: 'PATCH', path: '/things/{id}', ...base }, etag: 'revision' })
      .input(z.strictObject({ id: z.string(), name: z.string().optional(), revision: z.int().optional() }))
      .output(thing)
      .mutation(({ input }) => {
        seen.push(input);
        return { ...stored, revision: 4 };
      }),
    remove: t.procedure
      .meta({ openapi: { method: 'DELETE', path: '/things/{id}', ...base }, etag: 'revision', status: 204 })
      .input(z.strictObject({ id: z.string(), revision: z.int().optional() }))
      .output(z.void())
      .mutation(({ input }) => {
        seen.push(input);
      }),
  });
  const app = fastify();
  registerRest(app, {
    router,
    prefix: '',
    createContext: () => ({}),
    toProblem(error, requestId) {
      const status = error instanceof RestError ? error.status : 500;
      const code = error instanceof RestError ? error.code : 'internal';
      return { type: 'about:blank', title: code, status, detail: String(error), code, requestId };
    },
  });
  return { app, seen };
}

test('an answer carries its version as ETag, and a caller who has it gets 304 without a body', async () => {
  const { app } = things();
  const first = await app.inject('/v1/things/a');
  expect(first.headers.etag).toBe('"3"');
  for (const known of ['"3"', 'W/"3"', '"1", "3"', '*']) {
    const again = await app.inject({ url: '/v1/things/a', headers: { 'if-none-match': known } });
    expect([known, again.statusCode, again.body, again.headers.etag]).toEqual([known, 304, '', '"3"']);
  }
  const other = await app.inject({ url: '/v1/things/a', headers: { 'if-none-match': '"2"' } });
  expect(other.statusCode).toBe(200);
});

test('If-Match becomes the version that the change is based on', async () => {
  const { app, seen } = things();
  const patch = (match: string, payload: object = {}) =>
    app.inject({ method: 'PATCH', url: '/v1/things/a', headers: { 'if-match': match }, payload });
  const answer = await patch('"3"', { name: 'x' });
  expect([answer.statusCode, answer.headers.etag]).toEqual([200, '"4"']);
  await patch('*');
  await patch('"3"', { revision: 3 });
  await app.inject({ method: 'DELETE', url: '/v1/things/a', headers: { 'if-match': '"3"' } });
  expect(seen).toEqual([
    { id: 'a', name: 'x', revision: 3 },
    { id: 'a' },
    { id: 'a', revision: 3 },
    { id: 'a', revision: 3 },
  ]);
});

test('If-Match holds for what is read too, and means nothing where nothing is there yet', async () => {
  const { app, seen } = things();
  for (const [match, status] of [
    ['"3"', 200],
    ['*', 200],
    ['"2", "3"', 200],
    ['W/"3"', 412],
    ['"2"', 412],
    ['x', 412],
  ] as const) {
    const answer = await app.inject({ url: '/v1/things/a', headers: { 'if-match': match } });
    expect([match, answer.statusCode]).toEqual([match, status]);
  }
  const made = await app.inject({ method: 'POST', url: '/v1/things', headers: { 'if-match': '"3"' }, payload: {} });
  expect([made.statusCode, made.headers.etag, seen]).toEqual([201, '"3"', [{}]]);
});

test('If-Match that names no version, several, or another than the body is refused before anything happens', async () => {
  const { app, seen } = things();
  const status = async (match: string, payload: object = {}) => {
    const answer = await app.inject({ method: 'PATCH', url: '/v1/things/a', headers: { 'if-match': match }, payload });
    return answer.statusCode;
  };
  expect(await status('W/"3"')).toBe(412);
  expect(await status('"x"')).toBe(412);
  expect(await status('3')).toBe(412);
  expect(await status('"3", "4"')).toBe(400);
  expect(await status('"3"', { revision: 2 })).toBe(412);
  expect(seen).toEqual([]);
});
