import type { Definition } from '@flowplane/contract/definition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerWebhook } from '../hooks/answer.ts';
import { bodyOf, callOf } from '../hooks/test-call.ts';
import { answering, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

function hooked(value: string, path: string): Definition {
  return { ...answering(value), triggers: [{ id: 'hook', type: 'webhook', path, method: 'POST', respond: 'result' }] };
}

async function published(definition: Definition) {
  const { id } = await ann.api.workflows.create({ name: 'Published', definition });
  return ann.api.workflows.publish({ id });
}

async function answerAt(path: string, slug = ann.slug): Promise<unknown> {
  return bodyOf(await answerWebhook(api, { slug, method: 'POST', path }, callOf(null)));
}

test('each publication of a changed draft is the next version; publishing the same again changes nothing', async () => {
  const first = await published(answering('one'));
  expect(first).toMatchObject({ publishedVersion: 1, revision: 2 });
  expect(await ann.api.workflows.publish({ id: first.id })).toEqual(first);
  await ann.api.workflows.update({ id: first.id, name: 'Renamed' });
  expect((await ann.api.workflows.publish({ id: first.id })).publishedVersion).toBe(1);
  await ann.api.workflows.update({ id: first.id, definition: answering('two') });
  expect((await ann.api.workflows.publish({ id: first.id })).publishedVersion).toBe(2);
  await ann.api.workflows.update({ id: first.id, definition: answering('one') });
  expect((await ann.api.workflows.publish({ id: first.id })).publishedVersion).toBe(3);
});

test('publishing at the same time makes one version', async () => {
  const { id } = await ann.api.workflows.create({ name: 'Raced', definition: answering(1) });
  const versions = await Promise.all(Array.from({ length: 6 }, () => ann.api.workflows.publish({ id })));
  expect(versions.map(({ publishedVersion }) => publishedVersion)).toEqual([1, 1, 1, 1, 1, 1]);
});

test('a changed draft is not run by webhooks until it is published', async () => {
  const { id } = await published(hooked('old', 'drafts'));
  await ann.api.workflows.update({ id, definition: hooked('new', 'drafts') });
  expect(await answerAt('drafts')).toBe('old');
  await ann.api.workflows.publish({ id });
  expect(await answerAt('drafts')).toBe('new');
});

test('the latest publication has a webhook path, and deleting that workflow gives it back', async () => {
  await published(hooked('first', 'shared'));
  expect(await answerAt('shared')).toBe('first');
  const second = await published(hooked('second', 'shared'));
  expect(await answerAt('shared')).toBe('second');
  await ann.api.workflows.delete({ id: second.id });
  expect(await answerAt('shared')).toBe('first');
});

test('a path that the new version does not have any more answers nothing', async () => {
  const { id } = await published(hooked('here', 'moved/from'));
  await ann.api.workflows.update({ id, definition: hooked('there', 'moved/to') });
  await ann.api.workflows.publish({ id });
  expect(await answerAt('moved/to')).toBe('there');
  await expect(answerAt('moved/from')).rejects.toMatchObject({ code: 'not_found' });
});

test('the same path of two teams is two webhooks', async () => {
  const bob = await api.member();
  await published(hooked('of ann', 'teams'));
  const { id } = await bob.api.workflows.create({ name: 'Bob’s', definition: hooked('of bob', 'teams') });
  await bob.api.workflows.publish({ id });
  expect(await answerAt('teams')).toBe('of ann');
  expect(await answerAt('teams', bob.slug)).toBe('of bob');
  await expect(answerAt('teams', 'nobody')).rejects.toMatchObject({ code: 'not_found' });
});

test('what was never published can only be run as a draft', async () => {
  const { id } = await ann.api.workflows.create({ name: 'Draft', definition: hooked('draft', 'never') });
  await expect(answerAt('never')).rejects.toMatchObject({ code: 'not_found' });
  const problem = await problemOf(ann.api.workflows.execute({ id }));
  expect(problem).toMatchObject({ status: 409, code: 'not_published' });
  expect(problem.detail).toContain('draft: true');
});
