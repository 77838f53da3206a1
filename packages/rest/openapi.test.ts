import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { openApiDocument } from './openapi.ts';
import { registerRest } from './routes.ts';
import { testContext, testProblem, testRouter } from './testing-api.ts';
import { registerTrpc } from './trpc.ts';

const document = openApiDocument(testRouter, {
  title: 'Notes',
  version: '1.2.3',
  prefix: '/api',
  tags: [{ name: 'Notes', description: 'Things written down.' }],
  securitySchemes: {
    session: { type: 'apiKey', in: 'cookie', name: 'session' },
    bearer: { type: 'http', scheme: 'bearer' },
  },
  problems: [{ code: 'not_found', status: 404, type: 'about:blank', title: 'Not found' }],
  idempotency: {
    parameter: { name: 'Idempotency-Key', in: 'header', schema: { type: 'string' } },
    replayed: { name: 'Replayed', header: { schema: { type: 'string' } } },
  },
});
const paths = document.paths ?? {};

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  );
}

function follow(reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => Object.entries(Object(at)).find(([name]) => name === key)?.[1], document);
}

test('every route of the router is an operation with its own id, and every reference leads somewhere', () => {
  const ids = Object.values(paths).flatMap((path) => Object.values(path).map((operation) => operation.operationId));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.sort()).toEqual([
    'notes.addVersion',
    'notes.archive',
    'notes.busy',
    'notes.crash',
    'notes.create',
    'notes.get',
    'notes.list',
    'notes.list.alias1',
    'notes.remove',
    'notes.stats',
    'notes.tree',
    'notes.update',
    'things.get',
    'things.remove',
    'things.update',
  ]);
  const all = references(document);
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter((reference) => follow(reference) === undefined)).toEqual([]);
});

function statusesOf(path: string, method: 'get' | 'post' | 'patch' | 'delete'): string {
  return Object.keys(paths[`/api/v1${path}`]?.[method]?.responses ?? {}).join(' ');
}

test('statuses, Location and problems are those that the routes answer with', () => {
  expect(statusesOf('/notes', 'post')).toBe('201 400 401 403 409 413 415 429 500 503');
  expect(paths['/api/v1/notes']?.post?.responses?.['201']).toHaveProperty('headers.Location');
  expect(statusesOf('/notes/{id}', 'get')).toBe('200 400 401 403 404 429 500 503');
  expect(paths['/api/v1/notes/{id}']?.delete?.responses?.['204']).not.toHaveProperty('content');
  expect(paths['/api/v1/notes/archive']?.post?.responses).toHaveProperty('202.headers.Location');
  expect(statusesOf('/notes/archive', 'post')).toContain('200 202');
});

test('conditions and keys are parameters where they hold, with the answers that they lead to', () => {
  const headers = (path: string, method: 'get' | 'patch' | 'delete' | 'post') =>
    paths[`/api/v1${path}`]?.[method]?.parameters?.flatMap((one) =>
      '$ref' in one ? (one.$ref.split('/').at(-1) ?? '') : [],
    ) ?? [];
  expect(headers('/things/{id}', 'get')).toEqual(['IfNoneMatch', 'IfMatch']);
  expect(statusesOf('/things/{id}', 'get')).toMatch(/304.*412/);
  expect(paths['/api/v1/things/{id}']?.get?.responses).toHaveProperty('304.headers.ETag');
  expect(headers('/things/{id}', 'patch')).toEqual(['IfMatch', 'IdempotencyKey']);
  expect(statusesOf('/things/{id}', 'patch')).toMatch(/412.*422/);
  expect(paths['/api/v1/things/{id}']?.patch?.responses).toMatchObject({
    200: { headers: { ETag: expect.anything(), Replayed: expect.anything() } },
  });
  expect(headers('/things/{id}', 'delete')).toEqual(['IfMatch', 'IdempotencyKey']);
  expect(headers('/notes', 'post')).toEqual([]);
});

test('every body has an example; recursion ends', () => {
  expect(paths['/api/v1/notes/{id}']?.get?.responses?.['200']).toHaveProperty('content.application/json.example', {
    id: 'text',
    title: 'Buy milk',
    createdAt: '2026-01-31T12:00:00.000Z',
    readAt: '2026-01-31T12:00:00.000Z',
  });
  expect(paths['/api/v1/tree']?.put?.requestBody).toHaveProperty('content.application/json.example', {
    name: 'text',
    children: [],
  });
  const archived = paths['/api/v1/notes/archive']?.post?.responses;
  expect(archived?.['200']).toHaveProperty('content.application/json.example', { job: 'text' });
  expect(archived?.['202']).toHaveProperty('content.application/json.example', { job: 'j2' });
  expect(document.components?.responses?.NotFound).toHaveProperty(
    'content.application/problem+json.examples.not_found.value.status',
    404,
  );
});

test('what no operation leads to is left out', () => {
  expect(Object.keys(document.components?.parameters ?? {}).sort()).toEqual([
    'IdempotencyKey',
    'IfMatch',
    'IfNoneMatch',
  ]);
  const bare = openApiDocument(testRouter, { title: 'Notes', version: '1', prefix: '', securitySchemes: {} });
  expect(Object.keys(bare.components?.headers ?? {})).toEqual(['ETag', 'Location']);
  expect(bare.components?.parameters).not.toHaveProperty('IdempotencyKey');
  expect(bare.components?.responses).not.toHaveProperty('Unprocessable');
});

test('public operations need no security, others any one scheme and the permission they name', () => {
  expect(paths['/api/v1/notes']?.get?.security).toEqual([]);
  expect(paths['/api/v1/notes/{id}']?.get).toMatchObject({
    security: [{ session: [] }, { bearer: [] }],
    'x-permission': 'notes:read',
  });
});

test('inputs are split into path, query and body; dates and objects in the query say what they are', () => {
  const list = paths['/api/v1/notes']?.get?.parameters ?? [];
  expect(list).toContainEqual({ in: 'query', name: 'since', schema: { type: 'string', format: 'date-time' } });
  expect(list).toContainEqual(
    expect.objectContaining({ name: 'where', content: { 'application/json': expect.anything() } }),
  );
  const patch = paths['/api/v1/notes/{id}']?.patch;
  expect(patch?.parameters).toMatchObject([{ in: 'path', name: 'id', required: true }]);
  expect(patch?.requestBody).toMatchObject({
    required: false,
    content: { 'application/json': { schema: { properties: { title: { type: 'string' } } } } },
  });
  expect(references(paths['/api/v1/tree'])).toContain('#/components/schemas/Tree');
});

test('neither the document nor a REST call changes what the schemas accept over tRPC', async () => {
  await using app = Fastify();
  registerRest(app, { router: testRouter, prefix: '/api', createContext: testContext, toProblem: testProblem });
  registerTrpc(app, { router: testRouter, prefix: '/trpc', createContext: testContext });
  expect((await app.inject('/api/v1/notes?enabled=false&limit=5&ids=1&since=2026-01-01')).statusCode).toBe(200);
  for (const json of [{ enabled: 'false' }, { limit: '5' }, { ids: ['1'] }, { since: '2026-01-01' }]) {
    const answer = await app.inject(`/trpc/notes.list?input=${encodeURIComponent(JSON.stringify({ json }))}`);
    expect(answer.statusCode).toBe(400);
  }
});
