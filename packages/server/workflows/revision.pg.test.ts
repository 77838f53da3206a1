import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const stale = { status: 412, code: 'precondition_failed' };

test('a change that is based on another revision is refused and changes nothing', async () => {
  const made = await ann.api.workflows.create({ name: 'One', definition: answering(1) });
  const { id, revision } = made;
  const second = await ann.api.workflows.update({ id, name: 'Two', revision });
  expect(second.revision).toBe(revision + 1);
  const { name, definition } = made;
  for (const late of [
    () => ann.api.workflows.update({ id, name: 'Late', revision }),
    () => ann.api.workflows.replace({ id, name, definition, revision }),
    () => ann.api.workflows.publish({ id, revision }),
    () => ann.api.workflows.delete({ id, revision }),
  ]) {
    expect(await problemOf(late())).toMatchObject(stale);
  }
  expect(await ann.api.workflows.get({ id })).toEqual(second);
});

test('of two changes based on the same revision one wins', async () => {
  const { id, revision } = await ann.api.workflows.create({ name: 'Race', definition: answering(1) });
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, (_, n) => ann.api.workflows.update({ id, name: `Race ${n}`, revision })),
  );
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('replacing a workflow by what get answered changes nothing', async () => {
  const made = await ann.api.workflows.create({ name: 'Same', description: 'd', definition: answering(1) });
  expect(await ann.api.workflows.replace(made)).toEqual(made);
});

test('replacing leaves nothing of what is absent', async () => {
  const { id } = await ann.api.workflows.create({ name: 'Full', description: 'to go', definition: answering(1) });
  const replaced = await ann.api.workflows.replace({ id, name: 'Bare', definition: answering(2) });
  expect(replaced).toMatchObject({ name: 'Bare', description: '', revision: 2 });
});

test('publishing raises the revision, as it changes what get answers; publishing it again does not', async () => {
  const { id } = await ann.api.workflows.create({ name: 'Out', definition: answering(1) });
  const published = await ann.api.workflows.publish({ id });
  expect(published).toMatchObject({ revision: 2, publishedVersion: 1 });
  expect(await ann.api.workflows.publish({ id })).toEqual(published);
});
