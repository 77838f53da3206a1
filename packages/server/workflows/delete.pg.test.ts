import { signalExecutions } from '@flowplane/engine/signal';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, chain, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const waiting = chain({ id: 'wait', type: 'delay', params: { seconds: 600 } });

async function published(definition: typeof waiting): Promise<string> {
  const { id } = await ann.api.workflows.create({ name: 'In use', definition });
  await ann.api.workflows.publish({ id });
  return id;
}

test('a workflow with executions under way is not deleted, and the refusal says how many there are', async () => {
  const id = await published(waiting);
  const runs = await Promise.all([1, 2].map((input) => ann.api.workflows.execute({ id, input })));
  const problem = await problemOf(ann.api.workflows.delete({ id }));
  expect(problem).toMatchObject({ status: 409, code: 'workflow_in_use' });
  expect(problem.detail).toContain('2 executions');
  for (const { id: run } of runs) expect((await ann.api.executions.get({ id: run })).finishedAt).toBeNull();
  expect(await ann.api.workflows.stop({ id })).toEqual({ cancelled: 2 });
  expect(await ann.api.workflows.delete({ id })).toBeUndefined();
});

test('with force they are cancelled first, with what they have called', async () => {
  const callee = await published(waiting);
  const params = { workflowId: callee };
  const id = await published(chain({ id: 'call', type: 'workflow.call', params }));
  await ann.api.workflows.execute({ id });
  const started = async () => (await ann.api.executions.list({ workflowId: callee })).items;
  await expect.poll(started).toHaveLength(1);
  expect(await ann.api.workflows.delete({ id, force: true })).toBeUndefined();
  expect(await problemOf(ann.api.workflows.get({ id }))).toMatchObject({ status: 404 });
  expect((await started()).map(({ status }) => status)).toEqual(['cancelled']);
});

test('who waits for an execution of a workflow that is deleted fails and says so', async () => {
  const callee = await published(waiting);
  const params = { workflowId: callee };
  const caller = await published(chain({ id: 'call', type: 'workflow.call', params }));
  const run = await ann.api.workflows.execute({ id: caller });
  await expect.poll(async () => (await ann.api.executions.get({ id: run.id })).status).toBe('waiting');
  await ann.api.workflows.delete({ id: callee, force: true });
  const ended = await api.engine.wait(ann.principal.teamId, run.id, 10_000);
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'call_cancelled', nodeId: 'call' } });
});

test('an execution that was deleted before its caller looked is a failure of the caller too', async () => {
  const callee = await published(waiting);
  const caller = await published(chain({ id: 'call', type: 'workflow.call', params: { workflowId: callee } }));
  const run = await ann.api.workflows.execute({ id: caller });
  await expect.poll(async () => (await ann.api.executions.get({ id: run.id })).status).toBe('waiting');
  await api.database.db.deleteFrom('executions').where('workflow_id', '=', callee).execute();
  await signalExecutions(api.database.db, [run.id]);
  api.engine.nudge([run.id]);
  const ended = await api.engine.wait(ann.principal.teamId, run.id, 10_000);
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'call_cancelled', nodeId: 'call' } });
  expect(ended?.error?.message).toContain('deleted');
});

test('nothing starts while a workflow is deleted with force, and nothing of it is left', async () => {
  const id = await published(waiting);
  const answers = await Promise.allSettled([
    ...Array.from({ length: 10 }, () => ann.api.workflows.execute({ id })),
    ann.api.workflows.delete({ id, force: true }),
    ...Array.from({ length: 10 }, () => ann.api.workflows.execute({ id })),
  ]);
  for (const answer of answers) {
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'NOT_FOUND' });
  }
  expect((await ann.api.executions.list({ workflowId: id })).items).toEqual([]);
});

test('what has ended is no reason to keep a workflow', async () => {
  const id = await published(answering(1));
  await ann.api.workflows.execute({ id, wait: 10 });
  expect(await ann.api.workflows.delete({ id })).toBeUndefined();
});
