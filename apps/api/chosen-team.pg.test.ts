import { createClient } from '@flowplane/client';
import { openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const dataDir = dataDirectory();
let stored: Awaited<ReturnType<typeof testDatabase>>;
let instance: Instance;
let own: Awaited<ReturnType<typeof ownerOf>>;
/** A team that the owner may only read. */
let guestTeam: string;
let strangersTeam: string;

beforeAll(async () => {
  stored = await testDatabase();
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: dataDir.path, DATABASE_URL: stored.url });
  await instance.ready();
  own = await ownerOf(instance);
  const register = (email: string) =>
    createClient({ url: instance.url }).auth.register({ email, password: 'correct horse battery' });
  const host = await register('host@example.com');
  guestTeam = host.team.id;
  strangersTeam = (await register('stranger@example.com')).team.id;
  await createClient({ url: instance.url, token: host.accessToken }).workflows.create({
    name: 'Of the host',
    definition: { nodes: [{ id: 'a', type: 'transform', params: { value: 1 } }], edges: [], triggers: [] },
  });
  const database = openDatabase(stored.url, { max: 1 });
  const { user } = await own.client.auth.me();
  await database.db
    .insertInto('memberships')
    .values({ team_id: guestTeam, user_id: user.id, role: 'readonly' })
    .execute();
  await database.close();
});
afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await dataDir[Symbol.asyncDispose]();
  await stored[Symbol.asyncDispose]();
});

const faces = [
  ['REST', '/api/v1/workflows', (json: unknown) => json],
  ['tRPC', `/trpc/workflows.list?input=${encodeURIComponent('{"json":{}}')}`, (json: unknown) => trpcAnswer(json)],
] as const;

function trpcAnswer(json: unknown): unknown {
  const { result, error } = Object(json);
  return result ? result.data.json : error.json.data.problem;
}

test.each(faces)('X-Team-Id picks the team whose workflows are seen over %s', async (_, path, answerOf) => {
  const list = async (team: Record<string, string>) => {
    const { status, json } = await send(`${instance.url}${path}`, { headers: { ...own.bearer, ...team } });
    return { status, answer: answerOf(json) };
  };
  const guest = await list({ 'x-team-id': guestTeam });
  expect(guest).toMatchObject({ status: 200, answer: { items: [{ name: 'Of the host' }] } });
  expect((await list({})).answer).not.toMatchObject({ items: [{ name: 'Of the host' }] });
  expect(await list({ 'x-team-id': strangersTeam })).toMatchObject({ status: 403, answer: { code: 'forbidden' } });
  const malformed = await list({ 'x-team-id': 'my team' });
  expect(malformed).toMatchObject({ status: 400, answer: { code: 'invalid_input', errors: [{ path: 'X-Team-Id' }] } });
});

test('the role in the chosen team decides what may be done there', async () => {
  const body = {
    name: 'Mine',
    definition: { nodes: [{ id: 'a', type: 'transform', params: { value: 1 } }], edges: [], triggers: [] },
  };
  const create = (headers: Record<string, string>) =>
    send(`${instance.url}/api/v1/workflows`, { body, headers: { ...own.bearer, ...headers } });
  expect((await create({ 'x-team-id': guestTeam })).json).toMatchObject({ status: 403, code: 'forbidden' });
  expect((await create({})).status).toBe(201);
});

test('each call of a batch is authorised on its own', async () => {
  const body = {
    0: { json: { name: 'Mine', definition: { nodes: [], edges: [], triggers: [] } } },
    1: { json: { id: '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f' } },
    2: { json: { email: 'host@example.com', password: 'a wrong password' } },
  };
  const { status, json } = await send(`${instance.url}/trpc/workflows.create,workflows.publish,auth.login?batch=1`, {
    body,
    headers: { ...own.bearer, 'x-team-id': guestTeam },
  });
  expect(status).toBe(207);
  expect([json].flat().map(trpcAnswer)).toMatchObject([
    { code: 'forbidden' },
    { code: 'forbidden' },
    { code: 'invalid_credentials' },
  ]);
});

test('the document offers X-Team-Id to whoever signs in, and to nobody else', async () => {
  const { json } = await send(`${instance.url}/openapi.json`);
  const { paths, components } = Object(json);
  const team = { $ref: '#/components/parameters/TeamId' };
  expect(components.parameters.TeamId).toMatchObject({ name: 'X-Team-Id', in: 'header' });
  expect(paths['/api/v1/workflows'].get.parameters).toContainEqual(team);
  expect(paths['/api/v1/auth/login'].post.parameters ?? []).not.toContainEqual(team);
});
