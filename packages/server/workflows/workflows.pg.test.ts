import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, call, chain, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

test('a workflow is created, read, changed and deleted', async () => {
  const made = await ann.api.workflows.create({ name: '  Orders ', definition: answering(1) });
  expect(made).toMatchObject({ name: 'Orders', description: '', revision: 1, publishedVersion: null });
  expect(await ann.api.workflows.get({ id: made.id })).toEqual(made);
  expect(await ann.api.workflows.get({ id: made.id.toUpperCase() })).toEqual(made);

  const changed = await ann.api.workflows.update({ id: made.id, name: 'Sales' });
  expect(changed).toMatchObject({ name: 'Sales', definition: made.definition, revision: 2 });
  expect(changed.updatedAt.getTime()).toBeGreaterThan(made.updatedAt.getTime());
  const redefined = await ann.api.workflows.update({ id: made.id, definition: answering(2), description: 'Two' });
  expect(redefined).toMatchObject({ name: 'Sales', description: 'Two', revision: 3, definition: answering(2) });

  expect(await ann.api.workflows.delete({ id: made.id })).toBeUndefined();
  expect(await problemOf(ann.api.workflows.get({ id: made.id }))).toMatchObject({ status: 404, code: 'not_found' });
  expect(await problemOf(ann.api.workflows.delete({ id: made.id }))).toMatchObject({ status: 404 });
});

test('an update that changes nothing keeps the revision, in whatever order the keys come', async () => {
  const definition = chain({ id: 'a', type: 'transform', params: { value: { x: 1, y: [{ p: 1, q: 2 }] } } });
  const made = await ann.api.workflows.create({ name: 'Same', description: 'd', definition });
  const { id, name, description } = made;
  expect(await ann.api.workflows.update({ id, name, description, definition: made.definition })).toEqual(made);
  expect(await ann.api.workflows.update({ id })).toEqual(made);
  const reordered = chain({ id: 'a', type: 'transform', params: { value: { y: [{ q: 2, p: 1 }], x: 1 } } });
  expect(await ann.api.workflows.update({ id, definition: reordered })).toEqual(made);
});

test('updates at the same time all count: the revision is raised once for each', async () => {
  const { id } = await ann.api.workflows.create({ name: 'Busy', definition: answering(0) });
  await Promise.all(Array.from({ length: 8 }, (_, i) => ann.api.workflows.update({ id, name: `Busy ${i}` })));
  expect((await ann.api.workflows.get({ id })).revision).toBe(9);
});

test('what get answers can be sent back by replace and changes nothing; what is left out of it becomes empty', async () => {
  const made = await ann.api.workflows.create({ name: 'Whole', description: 'd', definition: answering(1) });
  expect(await ann.api.workflows.replace(made)).toEqual(made);
  const { id, name, definition } = made;
  const forged = { publishedVersion: 7, createdAt: new Date(0), updatedAt: new Date(0) };
  const replaced = await ann.api.workflows.replace({ id, name, definition, ...forged });
  expect(replaced).toMatchObject({ description: '', publishedVersion: null, createdAt: made.createdAt, revision: 2 });
});

test('a change based on another revision than the current one is refused and changes nothing', async () => {
  const made = await ann.api.workflows.create({ name: 'Guarded', definition: answering(1) });
  const { id } = made;
  const current = await ann.api.workflows.update({ id, name: 'Moved on', revision: 1 });
  const { name, definition } = made;
  for (const revision of [1, 3, 2_147_483_648]) {
    for (const attempt of [
      () => ann.api.workflows.update({ id, name: 'Late', revision }),
      () => ann.api.workflows.replace({ id, name, definition, revision }),
      () => ann.api.workflows.publish({ id, revision }),
      () => ann.api.workflows.delete({ id, revision }),
    ]) {
      expect(await problemOf(attempt())).toMatchObject({ status: 412, code: 'precondition_failed' });
    }
  }
  expect(await ann.api.workflows.get({ id })).toEqual(current);
  const raced = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => ann.api.workflows.update({ id, name: `Raced ${i}`, revision: 2 })),
  );
  expect(raced.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await ann.api.workflows.delete({ id, revision: 3 })).toBeUndefined();
});

test('paging sees each workflow once, newest first, also while others are made', async () => {
  const paul = await api.member();
  const made: string[] = [];
  for (let i = 0; i < 7; i++)
    made.unshift((await paul.api.workflows.create({ name: `w${i}`, definition: answering(i) })).id);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await paul.api.workflows.list({ limit: 3, ...(cursor ? { cursor } : {}) });
    expect(page.items.every((item) => !('definition' in item))).toBe(true);
    seen.push(...page.items.map((item) => item.id));
    cursor = page.nextCursor ?? undefined;
    if (seen.length === 3) await paul.api.workflows.create({ name: 'later', definition: answering(9) });
  } while (cursor);
  // Ids tell the order to the millisecond.
  expect(seen).toEqual([...made].sort().reverse());
  expect((await paul.api.workflows.list({ limit: 8 })).nextCursor).toBeNull();
});

test('what is wrong with a workflow is told with node and field, on create and on update', async () => {
  const wrong = chain({ id: 'a', type: 'transform', params: { value: { deep: ['{{ input. }}'] } } });
  const made = await ann.api.workflows.create({ name: 'Right', definition: answering(1) });
  for (const attempt of [
    () => ann.api.workflows.create({ name: 'Wrong', definition: wrong }),
    () => ann.api.workflows.update({ id: made.id, definition: wrong }),
  ]) {
    const problem = await problemOf(attempt());
    expect(problem).toMatchObject({ status: 400, code: 'invalid_workflow' });
    expect(problem.errors).toHaveLength(1);
    expect(problem.errors?.[0]?.path).toBe('definition.nodes[0].params.value.deep[0]');
    expect(problem.errors?.[0]?.message).toContain('node a');
  }
  expect(await ann.api.workflows.get({ id: made.id })).toEqual(made);
});

test.each([
  ['an unknown type', { nodes: [{ id: 'a', type: 'nope' }] }, 'definition.nodes[0].type', 'nope'],
  ['a dangling edge', { ...answering(1), edges: [{ from: 'a', to: 'z' }] }, 'definition.edges[0].to', 'z'],
  ['a duplicate id', { nodes: [...answering(1).nodes, ...answering(2).nodes] }, 'definition.nodes[1].id', 'a'],
  ['a node after itself', { ...answering(1), edges: [{ from: 'a', to: 'a' }] }, 'definition.edges', 'a'],
  ['a missing param', { nodes: [{ id: 'a', type: 'code' }] }, 'definition.nodes[0].params.code', 'node a'],
  ['a bad output', { ...answering(1), output: '{{ ( }}' }, 'definition.output', ''],
])('%s is refused by its place', async (_, definition, path, named) => {
  const problem = await problemOf(call(ann.as(ann.principal), 'workflows.create', { name: 'Wrong', definition }));
  expect(problem).toMatchObject({ status: 400, code: 'invalid_workflow' });
  expect(problem.errors?.map((error) => error.path)).toContain(path);
  expect(problem.errors?.find((error) => error.path === path)?.message).toContain(named);
});

test('threat 3: fields that are not the caller’s to set are refused by name and change nothing', async () => {
  const ctx = ann.as(ann.principal);
  const made = await ann.api.workflows.create({ name: 'Mine', definition: answering(1) });
  for (const field of ['teamId', 'team_id', 'ownerId', 'revision', 'publishedVersion', 'createdAt', 'role']) {
    const stolen = { [field]: '00000000-0000-4000-8000-000000000000' };
    for (const [path, input] of [
      ['workflows.create', { name: 'x', definition: answering(1), ...stolen }],
      ['workflows.update', { id: made.id, name: 'x', ...stolen }],
    ] as const) {
      const problem = await problemOf(call(ctx, path, input));
      expect(problem).toMatchObject({ status: 400, code: 'invalid_input' });
      expect(problem.detail).toContain(field);
    }
  }
  expect(await ann.api.workflows.get({ id: made.id })).toEqual(made);
});
