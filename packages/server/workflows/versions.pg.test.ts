import type { Definition } from '@flowplane/contract/definition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerWebhook } from '../hooks/answer.ts';
import { bodyOf, callOf } from '../hooks/test-call.ts';
import { answering, chain, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

function triggered(value: string, path: string): Definition {
  const triggers: Definition['triggers'] = [
    { id: 'hook', type: 'webhook', path, method: 'POST', respond: 'result' },
    { id: 'sent', type: 'event', event: `${path}.sent` },
  ];
  return { ...answering(value), triggers };
}

async function answerAt(path: string): Promise<unknown> {
  return bodyOf(await answerWebhook(api, { slug: ann.slug, method: 'POST', path }, callOf(null)));
}

async function versioned(...values: string[]): Promise<string> {
  const { id } = await ann.api.workflows.create({ name: 'Versions', definition: answering('draft') });
  for (const value of values) {
    await ann.api.workflows.update({ id, definition: answering(value) });
    await ann.api.workflows.publish({ id, note: `It says ${value}` });
  }
  return id;
}

test('versions are listed newest first, page by page, with who published them and why', async () => {
  const id = await versioned('one', 'two', 'three');
  const first = await ann.api.workflows.versions({ id, limit: 2 });
  expect(first.items.map(({ version, note }) => [version, note])).toEqual([
    [3, 'It says three'],
    [2, 'It says two'],
  ]);
  const me = await ann.api.users.me();
  expect(first.items[0]?.publishedBy).toEqual({ id: ann.principal.userId, name: me.user.name });
  const rest = await ann.api.workflows.versions({ id, limit: 2, cursor: first.nextCursor ?? '' });
  expect(rest).toMatchObject({ items: [{ version: 1, note: 'It says one' }], nextCursor: null });
  expect(await ann.api.workflows.version({ id, version: 1 })).toEqual({
    ...rest.items[0],
    definition: answering('one'),
  });
  expect(await problemOf(ann.api.workflows.version({ id, version: 4 }))).toMatchObject({ status: 404 });
});

test('versions and the draft are compared', async () => {
  const id = await versioned('one', 'two');
  await ann.api.workflows.update({ id, definition: { ...answering('two'), output: 5 } });
  const { nodes, settings } = await ann.api.workflows.diff({ id, from: '1' });
  expect(nodes.changed).toEqual([{ id: 'a', changes: [{ path: '/params/value', from: 'one', to: 'two' }] }]);
  expect(settings).toEqual([{ path: '/output', to: 5 }]);
  const back = await ann.api.workflows.diff({ id, from: 'draft', to: '2' });
  expect(back).toMatchObject({ nodes: { changed: [] }, settings: [{ path: '/output', from: 5 }] });
  expect(await problemOf(ann.api.workflows.diff({ id, from: '9' }))).toMatchObject({ status: 404 });
});

test('a rollback publishes the earlier definition as a new version and leaves history as it was', async () => {
  const id = await versioned('one', 'two');
  await ann.api.workflows.update({ id, definition: answering('half done') });
  const before = await ann.api.workflows.versions({ id });
  const back = await ann.api.workflows.rollback({ id, version: 1 });
  expect(back).toMatchObject({ publishedVersion: 3, definition: answering('one') });
  expect(await ann.api.workflows.execute({ id, wait: 10 })).toMatchObject({ version: 3, output: 'one' });
  const after = await ann.api.workflows.versions({ id });
  expect(after.items[0]).toMatchObject({ version: 3, note: 'Rolled back to version 1' });
  expect(after.items.slice(1)).toEqual(before.items);
  expect(await ann.api.workflows.rollback({ id, version: 3 })).toEqual(back);
  const stale = ann.api.workflows.rollback({ id, version: 2, revision: 1 });
  expect(await problemOf(stale)).toMatchObject({ status: 412, code: 'precondition_failed' });
  expect(await problemOf(ann.api.workflows.rollback({ id, version: 9 }))).toMatchObject({ status: 404 });
});

test('a version that today’s node types cannot run is not rolled back to', async () => {
  const id = await versioned('one', 'two');
  const gone = chain({ id: 'a', type: 'was.removed', params: {} });
  await api.database.db
    .updateTable('definitions')
    .set({ body: JSON.stringify(gone) })
    .where('team_id', '=', ann.principal.teamId)
    .where('hash', 'in', (eb) =>
      eb
        .selectFrom('workflow_versions')
        .select('definition_hash')
        .where('workflow_id', '=', id)
        .where('version', '=', 1),
    )
    .execute();
  const before = await ann.api.workflows.get({ id });
  const problem = await problemOf(ann.api.workflows.rollback({ id, version: 1 }));
  expect(problem).toMatchObject({ status: 400, code: 'invalid_workflow' });
  expect(problem.errors?.[0]).toMatchObject({ path: 'definition.nodes[0].type' });
  expect(await ann.api.workflows.get({ id })).toEqual(before);
});

test('what is unpublished is started by nothing, until it is published again as a new version', async () => {
  const { id } = await ann.api.workflows.create({ name: 'Off', definition: triggered('here', 'off') });
  await ann.api.workflows.publish({ id });
  expect(await answerAt('off')).toBe('here');
  const off = await ann.api.workflows.unpublish({ id });
  expect(off).toMatchObject({ publishedVersion: null, revision: 3 });
  await expect(answerAt('off')).rejects.toMatchObject({ code: 'not_found' });
  expect((await ann.api.events.send({ event: 'off.sent' })).executions).toEqual([]);
  expect(await problemOf(ann.api.workflows.execute({ id }))).toMatchObject({ code: 'not_published' });
  expect(await ann.api.workflows.unpublish({ id })).toEqual(off);
  expect(await ann.api.workflows.publish({ id })).toMatchObject({ publishedVersion: 2 });
  expect(await answerAt('off')).toBe('here');
});
