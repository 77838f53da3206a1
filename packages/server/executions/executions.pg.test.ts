import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, chain, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

type Draft = Parameters<typeof ann.api.workflows.create>[0]['definition'];

async function run(definition: Draft, wait = 10) {
  const { id } = await ann.api.workflows.create({ name: 'Run', definition });
  return ann.api.workflows.execute({ id, draft: true, wait });
}

const waiting: Draft = chain(
  { id: 'before', type: 'transform', params: { value: 1 } },
  { id: 'wait', type: 'delay', params: { seconds: 60 } },
  { id: 'after', type: 'transform', params: { value: 2 } },
);

test('the list pages each execution once, newest first, without values, by workflow and by status', async () => {
  const bob = await api.member();
  const { id: workflowId } = await bob.api.workflows.create({ name: 'Listed', definition: answering('{{ input }}') });
  const { id: failing } = await bob.api.workflows.create({
    name: 'Failing',
    definition: chain({ id: 'a', type: 'fail', params: {} }),
  });
  const made: string[] = [];
  for (let i = 0; i < 5; i++) {
    made.unshift((await bob.api.workflows.execute({ id: workflowId, draft: true, wait: 10, input: i })).id);
  }
  const failed = await bob.api.workflows.execute({ id: failing, draft: true, wait: 10 });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bob.api.executions.list({ limit: 2, workflowId, ...(cursor ? { cursor } : {}) });
    for (const item of page.items) {
      expect(item).not.toHaveProperty('input');
      expect(item).not.toHaveProperty('output');
      seen.push(item.id);
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(seen).toEqual(made);
  const all = await bob.api.executions.list({});
  expect(all.items.map((item) => item.id)).toEqual([failed.id, ...made]);
  const onlyFailed = await bob.api.executions.list({ status: 'failed' });
  expect(onlyFailed.items).toMatchObject([{ id: failed.id, error: { code: 'failed', nodeId: 'a' } }]);
  expect((await ann.api.executions.list({ workflowId })).items).toEqual([]);
});

test('the journal pages in the order in which the steps happened and has what went in and came out', async () => {
  const nodes = Array.from({ length: 7 }, (_, i) => ({
    id: `n${i}`,
    type: 'transform',
    params: { value: i === 0 ? 0 : `{{ nodes.n${i - 1} + 1 }}` },
  }));
  const { id } = await run(chain(...nodes));
  const steps = [];
  let cursor: string | undefined;
  do {
    const page = await ann.api.executions.steps({ id, limit: 3, ...(cursor ? { cursor } : {}) });
    steps.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(steps.map(({ path }) => path)).toEqual(nodes.map((node) => node.id));
  expect(steps[6]).toMatchObject({
    type: 'transform',
    status: 'completed',
    attempt: 1,
    input: { value: 6 },
    output: 6,
    error: null,
  });
  const times = steps.map((step) => step.startedAt?.getTime() ?? 0);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test('logs page oldest first, with the level and data of each line', async () => {
  const { id } = await run(
    chain(
      { id: 'say', type: 'log', params: { level: 'warn', message: 'low stock', data: { left: 2 } } },
      { id: 'count', type: 'code', params: { code: 'for (let i = 0; i < 4; i++) console.log("line", i); return 1' } },
    ),
  );
  const first = await ann.api.executions.logs({ id, limit: 3 });
  expect(first.items[0]).toMatchObject({ path: 'say', level: 'warn', message: 'low stock', data: { left: 2 } });
  const rest = await ann.api.executions.logs({ id, limit: 3, cursor: first.nextCursor ?? '' });
  expect([...first.items, ...rest.items].map(({ message }) => message)).toEqual([
    'low stock',
    'line 0',
    'line 1',
    'line 2',
    'line 3',
  ]);
  expect(rest.nextCursor).toBeNull();
});

test('what code throws, logs or gives back is told, whatever characters it has, and never stops the journal', async () => {
  const line = (value: string) => `console.log(${value}); return 1`;
  const bad = String.raw`"a\u0000b\ud800"`;
  const logged = await run(chain({ id: 'a', type: 'code', params: { code: line(bad) } }));
  expect(logged.status).toBe('completed');
  expect((await ann.api.executions.logs({ id: logged.id })).items[0]?.message).toBe('a\ufffdb\ufffd');
  const cut = await run(chain({ id: 'a', type: 'code', params: { code: line('"x" + "👍".repeat(9000)') } }));
  expect(cut.status).toBe('completed');
  const thrown = await run(chain({ id: 'a', type: 'code', params: { code: `throw new Error(${bad})` } }));
  expect(thrown).toMatchObject({ status: 'failed', error: { code: 'code_failed', nodeId: 'a' } });
  const given = await run(chain({ id: 'a', type: 'code', params: { code: `return ${bad}` } }));
  expect(given).toMatchObject({ status: 'failed', error: { code: 'invalid_value', nodeId: 'a' } });
  const output = await run({ ...answering(1), output: `{{ ${bad} }}` });
  expect(output).toMatchObject({ status: 'failed', error: { code: 'invalid_value' } });
});

test('cancelling ends an execution for good, again changes nothing, and what has ended is not cancelled', async () => {
  const begun = await run(waiting, 0);
  await expect.poll(async () => (await ann.api.executions.get({ id: begun.id })).status).toBe('waiting');
  const cancelled = await ann.api.executions.cancel({ id: begun.id });
  expect(cancelled).toMatchObject({ status: 'cancelled', output: null });
  expect(cancelled.finishedAt).toBeInstanceOf(Date);
  expect(await ann.api.executions.cancel({ id: begun.id })).toEqual(cancelled);
  const { items } = await ann.api.executions.steps({ id: begun.id });
  expect(items.map(({ path, status }) => `${path} ${status}`)).toEqual(['before completed', 'wait cancelled']);

  const done = await run(answering(1));
  expect(await problemOf(ann.api.executions.cancel({ id: done.id }))).toMatchObject({
    status: 409,
    code: 'already_finished',
  });
  expect(await ann.api.executions.get({ id: done.id })).toEqual(done);
});

test('cancelling stops code that runs', async () => {
  const begun = await run(chain({ id: 'a', type: 'code', params: { code: 'while (true) {}', timeoutSeconds: 60 } }), 0);
  const at = performance.now();
  expect((await ann.api.executions.cancel({ id: begun.id })).status).toBe('cancelled');
  expect(performance.now() - at).toBeLessThan(2_000);
  expect((await run(chain({ id: 'a', type: 'code', params: { code: 'return 1' } }))).output).toBe(1);
});

test('a caller who waits for an execution is answered when it is cancelled', async () => {
  const { id } = await ann.api.workflows.create({ name: 'Run', definition: waiting });
  const answer = ann.api.workflows.execute({ id, draft: true, wait: 30 });
  let executionId = '';
  await expect
    .poll(async () => {
      executionId = (await ann.api.executions.list({ workflowId: id })).items[0]?.id ?? '';
      return executionId;
    })
    .not.toBe('');
  await ann.api.executions.cancel({ id: executionId });
  expect((await answer).status).toBe('cancelled');
});
