import { limits } from '@flowplane/contract/limits';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appRouter } from '../api.ts';
import { answering, chain, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

async function workflow(definition: Parameters<typeof ann.api.workflows.create>[0]['definition']): Promise<string> {
  const { id } = await ann.api.workflows.create({ name: 'Run', definition });
  await ann.api.workflows.publish({ id });
  return id;
}

test('an execution is there at once, and with `wait` it is answered at its end', async () => {
  const id = await workflow(answering('{{ input.n * 2 }}'));
  const begun = await ann.api.workflows.execute({ id, input: { n: 1 } });
  expect(begun).toMatchObject({ workflowId: id, version: 1, trigger: 'api', input: { n: 1 } });
  expect((await ann.api.executions.get({ id: begun.id })).id).toBe(begun.id);
  const done = await ann.api.workflows.execute({ id, input: { n: 21 }, wait: 10 });
  expect(done).toMatchObject({ status: 'completed', output: 42, error: null });
  expect(await ann.api.executions.get({ id: done.id })).toEqual(done);
});

test('the status says whether the execution has ended: 200, or 202', async () => {
  const id = await workflow(chain({ id: 'a', type: 'delay', params: { seconds: 30 } }));
  const ctx = ann.as(ann.principal);
  const waiting = await appRouter.createCaller(ctx).workflows.execute({ id, wait: 1 });
  expect(['running', 'waiting']).toContain(waiting.status);
  expect(ctx.response.status).toBeUndefined();
  const quick = ann.as(ann.principal);
  await appRouter.createCaller(quick).workflows.execute({ id: await workflow(answering(1)), wait: 10 });
  expect(quick.response.status).toBe(200);
});

test('`wait` ends when the time is over, whether the execution has or not', async () => {
  const id = await workflow(chain({ id: 'a', type: 'delay', params: { seconds: 30 } }));
  const begun = performance.now();
  await ann.api.workflows.execute({ id, wait: 1 });
  expect(performance.now() - begun).toBeGreaterThan(900);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test('an execution keeps its version when the workflow is changed and published meanwhile', async () => {
  const definition = (value: string) =>
    chain({ id: 'wait', type: 'delay', params: { seconds: 1 } }, { id: 'a', type: 'transform', params: { value } });
  const id = await workflow(definition('before'));
  const begun = await ann.api.workflows.execute({ id });
  await ann.api.workflows.update({ id, definition: definition('after') });
  await ann.api.workflows.publish({ id });
  const now = await ann.api.workflows.execute({ id, wait: 10 });
  expect(now).toMatchObject({ version: 2, output: 'after' });
  await api.engine.wait(ann.principal.teamId, begun.id, 10_000);
  expect(await ann.api.executions.get({ id: begun.id })).toMatchObject({ version: 1, output: 'before' });
});

test('a draft runs as it is, has no version and leaves the published one alone', async () => {
  const id = await workflow(answering('published'));
  await ann.api.workflows.update({ id, definition: answering('draft') });
  expect(await ann.api.workflows.execute({ id, draft: true, wait: 10 })).toMatchObject({
    version: null,
    output: 'draft',
  });
  expect(await ann.api.workflows.execute({ id, wait: 10 })).toMatchObject({ version: 1, output: 'published' });
});

test('a failure names its code and node, and the steps after it have not run', async () => {
  const id = await workflow(
    chain(
      { id: 'ok', type: 'transform', params: { value: 1 } },
      { id: 'no', type: 'fail', params: { code: 'out_of_stock', message: 'None left' } },
      { id: 'after', type: 'transform', params: { value: 2 } },
    ),
  );
  const failed = await ann.api.workflows.execute({ id, wait: 10 });
  expect(failed).toMatchObject({
    status: 'failed',
    error: { code: 'out_of_stock', message: 'None left', nodeId: 'no' },
  });
  const { items } = await ann.api.executions.steps({ id: failed.id });
  expect(items.map(({ path, status }) => `${path} ${status}`)).toEqual(['ok completed', 'no failed']);
});

test('an input has a bound in bytes, not characters', async () => {
  const id = await workflow(answering(1));
  const most = '€'.repeat(Math.floor((limits.valueBytes - 2) / 3));
  expect((await ann.api.workflows.execute({ id, input: most, wait: 10 })).status).toBe('completed');
  const problem = await problemOf(ann.api.workflows.execute({ id, input: `${most}€` }));
  expect(problem).toMatchObject({ status: 413, code: 'payload_too_large' });
});

test('executing a workflow while it is deleted starts it or says that there is none', async () => {
  const id = await workflow(answering(1));
  const answers = await Promise.allSettled([
    ...Array.from({ length: 10 }, () => ann.api.workflows.execute({ id, wait: 5 })),
    ann.api.workflows.delete({ id, force: true }),
    ...Array.from({ length: 10 }, () => ann.api.workflows.execute({ id, wait: 5 })),
  ]);
  for (const answer of answers) {
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'NOT_FOUND' });
  }
  expect(await problemOf(ann.api.workflows.execute({ id }))).toMatchObject({ status: 404 });
});
