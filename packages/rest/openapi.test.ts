import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { openApiDocument } from './openapi.ts';
import { registerRest } from './routes.ts';
import { testContext, testProblem, testRouter } from './testing-api.ts';
import { registerTrpc } from './trpc.ts';

const document = openApiDocument(testRouter, {
  title: 'Notes',
  version: '1.2.3',
  prefix: '/api/v1',
  tags: [{ name: 'Notes', description: 'Things written down.' }],
  securitySchemes: {
    session: { type: 'apiKey', in: 'cookie', name: 'session' },
    bearer: { type: 'http', scheme: 'bearer' },
  },
  problems: [{ code: 'not_found', status: 404, type: 'about:blank', title: 'Not found' }],
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
  ]);
  const all = references(document);
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter((reference) => follow(reference) === undefined)).toEqual([]);
});

test('statuses, Location and problems are those that the routes answer with', () => {
  expect(Object.keys(paths['/api/v1/notes']?.post?.responses ?? {})).toEqual([
    '201',
    '400',
    '409',
    '413',
    '415',
    '422',
    '429',
    '500',
  ]);
  expect(paths['/api/v1/notes']?.post?.responses?.['201']).toHaveProperty('headers.Location');
  expect(Object.keys(paths['/api/v1/notes/{id}']?.get?.responses ?? {})).toEqual([
    '200',
    '400',
    '401',
    '403',
    '404',
    '429',
    '500',
  ]);
  expect(paths['/api/v1/notes/{id}']?.delete?.responses?.['204']).not.toHaveProperty('content');
  expect(paths['/api/v1/notes/archive']?.post?.responses).toHaveProperty('202.headers.Location');
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
  registerRest(app, { router: testRouter, prefix: '/api/v1', createContext: testContext, toProblem: testProblem });
  registerTrpc(app, { router: testRouter, prefix: '/trpc', createContext: testContext });
  expect((await app.inject('/api/v1/notes?enabled=false&limit=5&ids=1&since=2026-01-01')).statusCode).toBe(200);
  for (const json of [{ enabled: 'false' }, { limit: '5' }, { ids: ['1'] }, { since: '2026-01-01' }]) {
    const answer = await app.inject(`/trpc/notes.list?input=${encodeURIComponent(JSON.stringify({ json }))}`);
    expect(answer.statusCode).toBe(400);
  }
});
