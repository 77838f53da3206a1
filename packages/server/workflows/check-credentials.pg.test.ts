import { randomUUID } from 'node:crypto';
import type { Node } from '@flowplane/contract/definition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call as callAs, chain, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
let eve: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  [ann, eve] = [await api.member(), await api.member()];
});
afterAll(() => api[Symbol.asyncDispose]());

async function bearer(member = ann): Promise<string> {
  const values = { token: 'a-token-of-the-tests' };
  return (await member.api.credentials.create({ name: 'b', kind: 'bearer', values, allowedHosts: ['a.example'] })).id;
}

const request = (credentialId: string, id = 'get'): Node => ({
  id,
  type: 'http.request',
  params: { url: 'https://a.example/' },
  credentialId,
});
const loop = (credentialId: string): Node => ({
  id: 'loop',
  type: 'forEach',
  params: { items: [1], body: { nodes: [request(credentialId, 'inner')], edges: [] } },
});

test('threat 2: a credential of another team, or of none, is refused at every place where a definition may name it', async () => {
  const { id } = await ann.api.workflows.create({ name: 'Own', definition: chain(request(await bearer())) });
  for (const foreign of [await bearer(eve), randomUUID()]) {
    for (const [node, path] of [
      [request(foreign), 'definition.nodes[0].credentialId'],
      [loop(foreign), 'definition.nodes[0].params.body.nodes[0].credentialId'],
    ] as const) {
      const definition = chain(node);
      const refused = { code: 'invalid_workflow', errors: [{ path }] };
      expect(await problemOf(ann.api.workflows.create({ name: 'x', definition }))).toMatchObject(refused);
      expect(await problemOf(ann.api.workflows.update({ id, definition }))).toMatchObject(refused);
    }
  }
});

test('a credential is named in any letter case, and kept in lower case', async () => {
  const id = await bearer();
  const made = await callAs(ann.as(ann.principal), 'workflows.create', {
    name: 'Upper',
    definition: chain(request(id.toUpperCase())),
  });
  expect(made).toMatchObject({ definition: { nodes: [{ credentialId: id }] } });
});

test('a credential that was deleted meanwhile is found when the draft is published, and when what was published runs', async () => {
  const credentialId = await bearer();
  const { id } = await ann.api.workflows.create({ name: 'Own', definition: chain(request(credentialId)) });
  await ann.api.workflows.publish({ id });
  const draft = await ann.api.workflows.create({ name: 'Draft', definition: chain(request(credentialId)) });
  await ann.api.credentials.delete({ id: credentialId });
  expect(await problemOf(ann.api.workflows.publish({ id: draft.id }))).toMatchObject({ code: 'invalid_workflow' });
  const run = await ann.api.workflows.execute({ id, wait: 10 });
  expect(run).toMatchObject({ status: 'failed', error: { code: 'invalid_workflow' } });
});

test('a node that has no use for a credential, or one that requests do not carry, is refused', async () => {
  const given = { values: { secret: 'a-secret-of-the-tests' }, allowedHosts: [] };
  const secret = await ann.api.credentials.create({ name: 's', kind: 'webhookSecret', ...given });
  const unused: Node = { id: 'a', type: 'transform', params: { value: 1 }, credentialId: await bearer() };
  for (const node of [request(secret.id), unused]) {
    expect(await problemOf(ann.api.workflows.create({ name: 'x', definition: chain(node) }))).toMatchObject({
      code: 'invalid_workflow',
      errors: [{ path: 'definition.nodes[0].credentialId' }],
    });
  }
});
