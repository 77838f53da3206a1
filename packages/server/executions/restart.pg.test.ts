import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Execution } from '@flowplane/contract/execution';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { answering, call, chain, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

type Member = typeof ann;
type Draft = Parameters<Member['api']['workflows']['create']>[0]['definition'];

async function published(definition: Draft, who = ann): Promise<string> {
  const { id } = await who.api.workflows.create({ name: 'Restarted', definition });
  await who.api.workflows.publish({ id });
  return id;
}

async function publishAnew(id: string, definition: Draft): Promise<void> {
  await ann.api.workflows.update({ id, definition });
  await ann.api.workflows.publish({ id });
}

async function ended({ id }: { id: string }, who = ann): Promise<Execution> {
  const execution = await api.engine.wait(who.principal.teamId, id, 10_000);
  if (!execution?.finishedAt) throw new Error(`the execution is ${execution?.status} after 10 s`);
  return execution;
}

/** The steps by path, with what is the same of a step that was kept and another of one that ran again. */
async function stepsOf({ id }: { id: string }) {
  const { items } = await ann.api.executions.steps({ id, limit: 100 });
  return new Map(items.map((step) => [step.path, step]));
}

/** `a` gives the time at which it ran, so that one sees whether it ran again; `b` fails as long as the input says so. */
const failing: Draft = {
  nodes: [
    { id: 'a', type: 'transform', params: { value: '{{ Date.now() }}' } },
    { id: 'b', type: 'if', params: { condition: '{{ input.bad }}' } },
    { id: 'bad', type: 'fail', params: { message: 'Bad input' } },
    { id: 'c', type: 'transform', params: { value: { a: '{{ nodes.a }}', input: '{{ input }}' } } },
  ],
  edges: [
    { from: 'a', to: 'b' },
    { from: 'b', port: 'true', to: 'bad' },
    { from: 'b', port: 'false', to: 'c' },
  ],
  output: '{{ nodes.c }}',
};

test('from a step, what comes before keeps its result and the rest runs with the new input', async () => {
  const id = await published(failing);
  const failed = await ended(await ann.api.workflows.execute({ id, input: { bad: true }, wait: 10 }));
  expect(failed).toMatchObject({ status: 'failed' });
  const before = await stepsOf(failed);

  const made = await ann.api.executions.restart({ id: failed.id, from: 'b', input: { bad: false } });
  expect(made).toMatchObject({ status: 'pending', version: 1, trigger: 'restart', restartedFrom: failed.id });
  const done = await ended(made);
  expect(done).toMatchObject({
    status: 'completed',
    restartedFrom: failed.id,
    output: { a: before.get('a')?.output, input: { bad: false } },
  });
  const after = await stepsOf(done);
  expect(after.get('a')).toEqual(before.get('a'));
  expect([...after.keys()]).toEqual(['a', 'b', 'bad', 'c']);
  expect(after.get('bad')).toMatchObject({ status: 'skipped' });
  expect(await ann.api.executions.get({ id: failed.id })).toEqual(failed);
  expect((await ann.api.executions.list({ workflowId: id })).items[0]).toMatchObject({ restartedFrom: failed.id });
});

test('the events of a restarted execution begin with the steps that it kept', async () => {
  const id = await published(failing);
  const failed = await ended(await ann.api.workflows.execute({ id, input: { bad: true }, wait: 10 }));
  const made = await ended(await ann.api.executions.restart({ id: failed.id, from: 'b', input: { bad: false } }));
  const events = await api.engine.events(ann.principal.teamId, made.id, {
    after: undefined,
    signal: AbortSignal.timeout(5_000),
  });
  const seen: string[] = [];
  for await (const { event } of events ?? []) {
    seen.push(event.event === 'step' ? event.data.path : event.event);
  }
  expect(seen[0]).toBe('a');
  expect(new Set(seen)).toEqual(new Set(['a', 'b', 'bad', 'c', 'status', 'done']));
  expect(seen.at(-1)).toBe('done');
});

test('without a step everything runs again, on the same version and input', async () => {
  const id = await published(answering('{{ [input, Date.now()] }}'));
  const first = await ended(await ann.api.workflows.execute({ id, input: 5, wait: 10 }));
  await publishAnew(id, answering('another'));
  const second = await ended(await ann.api.executions.restart({ id: first.id }));
  expect(second).toMatchObject({ status: 'completed', version: 1, input: 5, output: [5, expect.any(Number)] });
  expect(second.output).not.toEqual(first.output);
});

test('another version can be run: by its number, or the one that is published now', async () => {
  const id = await published(answering('one'));
  const first = await ended(await ann.api.workflows.execute({ id, wait: 10 }));
  await publishAnew(id, answering('two'));
  await publishAnew(id, answering('three'));
  for (const [version, output] of [
    [2, 'two'],
    ['latest', 'three'],
  ] as const) {
    expect(await ended(await ann.api.executions.restart({ id: first.id, version }))).toMatchObject({ output });
  }
  expect(await problemOf(ann.api.executions.restart({ id: first.id, version: 9 }))).toMatchObject({
    status: 400,
    errors: [{ path: 'version' }],
  });
});

test('a version with another graph keeps what still fits, and runs what is new', async () => {
  const time = '{{ Date.now() }}';
  const id = await published(
    chain(
      { id: 'same', type: 'transform', params: { value: time } },
      { id: 'gone', type: 'transform', params: { value: 1 } },
      { id: 'bad', type: 'fail', params: {} },
    ),
  );
  const failed = await ended(await ann.api.workflows.execute({ id, wait: 10 }));
  const before = await stepsOf(failed);
  await publishAnew(
    id,
    chain(
      { id: 'same', type: 'transform', params: { value: time } },
      { id: 'fresh', type: 'transform', params: { value: 2 } },
      { id: 'bad', type: 'transform', params: { value: '{{ [nodes.same, nodes.fresh] }}' } },
    ),
  );
  const made = await ended(await ann.api.executions.restart({ id: failed.id, from: 'bad', version: 'latest' }));
  expect(made).toMatchObject({ status: 'completed', output: [before.get('same')?.output, 2] });
  expect([...(await stepsOf(made)).keys()]).toEqual(['same', 'fresh', 'bad']);
});

test('a loop is kept whole with the steps of its items, and a step within one stands for all of it', async () => {
  const body = { nodes: [{ id: 'one', type: 'transform', params: { value: '{{ [item, Date.now()] }}' } }] };
  const id = await published(
    chain(
      { id: 'all', type: 'forEach', params: { items: [1, 2], body } },
      { id: 'after', type: 'transform', params: { value: '{{ nodes.all }}' } },
    ),
  );
  const first = await ended(await ann.api.workflows.execute({ id, wait: 10 }));
  const kept = await ended(await ann.api.executions.restart({ id: first.id, from: 'after' }));
  expect(kept.output).toEqual(first.output);
  expect(new Set((await stepsOf(kept)).keys())).toEqual(new Set((await stepsOf(first)).keys()));
  expect((await stepsOf(kept)).get('all')?.progress).toEqual({ done: 2, failed: 0, items: 2 });
  const again = await ended(await ann.api.executions.restart({ id: first.id, from: 'all[1].one' }));
  expect(again).toMatchObject({ status: 'completed' });
  expect(again.output).not.toEqual(first.output);
});

test('the decision of an approval is kept', async () => {
  const id = await published({
    nodes: [
      { id: 'ask', type: 'approval', params: { title: 'Sure?' } },
      { id: 'then', type: 'transform', params: { value: '{{ nodes.ask.by }}' } },
    ],
    edges: [{ from: 'ask', port: 'approved', to: 'then' }],
  });
  const { id: executionId } = await ann.api.workflows.execute({ id });
  const approvalId = await vi.waitFor(async () => {
    const { items } = await ann.api.approvals.list({ executionId });
    return items[0]?.id ?? expect.fail('the execution does not ask yet');
  }, 10_000);
  await ann.api.approvals.decide({ id: approvalId, approved: true });
  await ended({ id: executionId });
  const again = await ended(await ann.api.executions.restart({ id: executionId, from: 'then' }));
  expect(again).toMatchObject({ status: 'completed', output: ann.principal.userId });
});

test('an execution that goes on cannot be restarted, nor can one from a node that there is not', async () => {
  const id = await published(chain({ id: 'long', type: 'delay', params: { seconds: 600 } }));
  const { id: executionId } = await ann.api.workflows.execute({ id });
  expect(await problemOf(ann.api.executions.restart({ id: executionId }))).toMatchObject({
    status: 409,
    code: 'not_finished',
  });
  await ann.api.executions.cancel({ id: executionId });
  expect(await problemOf(ann.api.executions.restart({ id: executionId, from: 'other' }))).toMatchObject({
    status: 400,
    errors: [{ path: 'from', message: 'the version that is to run has no node other' }],
  });
  expect(await problemOf(ann.api.executions.restart({ id: randomUUID() }))).toMatchObject({ status: 404 });
});

test('with a key, a restart is made once', async () => {
  const id = await published(answering(1));
  const first = await ended(await ann.api.workflows.execute({ id, wait: 10 }));
  const context = ann.as(ann.principal);
  const keyed = { ...context, request: { ...context.request, idempotencyKey: 'restart' } };
  const made = [1, 2].map(() => call(keyed, 'executions.restart', { id: first.id }));
  const [one] = (await Promise.allSettled(made)).filter(({ status }) => status === 'fulfilled');
  const again = await call(keyed, 'executions.restart', { id: first.id });
  expect(one).toMatchObject({ value: again });
});

test('redriving restarts what failed from the step that did, each execution once, the oldest first', async () => {
  const bob = await api.member();
  const workflowId = await published(failing, bob);
  const failed: string[] = [];
  for (let i = 0; i < 3; i++) {
    failed.push((await bob.api.workflows.execute({ id: workflowId, input: { bad: true }, wait: 10 })).id);
  }
  await bob.api.workflows.execute({ id: workflowId, input: { bad: false }, wait: 10 });

  const first = await bob.api.executions.redrive({ workflowId, limit: 2 });
  expect(first).toMatchObject({ redriven: 2, executions: [expect.any(String), expect.any(String)] });
  const made = await Promise.all(first.executions.map((id) => ended({ id }, bob)));
  expect(made.map(({ restartedFrom }) => restartedFrom)).toEqual(failed.slice(0, 2));
  // They have failed again, and are dead letters themselves.
  expect(made.map(({ status }) => status)).toEqual(['failed', 'failed']);
  const rest = await bob.api.executions.redrive({ workflowId });
  expect(rest.redriven).toBe(3);
  await Promise.all(rest.executions.map((id) => ended({ id }, bob)));
});

test('redriving goes by error code, by time and by how they ended', async () => {
  const bob = await api.member();
  const workflowId = await published(chain({ id: 'a', type: 'fail', params: { code: 'odd' } }), bob);
  const { createdAt } = await bob.api.workflows.execute({ id: workflowId, wait: 10 });
  const later = new Date(createdAt.getTime() + 60_000);
  const earlier = new Date(createdAt.getTime() - 60_000);
  const none = { redriven: 0, executions: [] };
  expect(await bob.api.executions.redrive({ errorCode: 'other' })).toEqual(none);
  expect(await bob.api.executions.redrive({ since: later })).toEqual(none);
  expect(await bob.api.executions.redrive({ until: earlier })).toEqual(none);
  expect(await bob.api.executions.redrive({ status: 'cancelled' })).toEqual(none);
  const { executions } = await bob.api.executions.redrive({
    errorCode: 'odd',
    since: earlier,
    until: later,
    from: 'start',
  });
  expect(executions).toHaveLength(1);
  await Promise.all(executions.map((id) => ended({ id }, bob)));
});

test('two calls that redrive at once restart each execution once', async () => {
  const bob = await api.member();
  const workflowId = await published(chain({ id: 'a', type: 'fail', params: {} }), bob);
  const failed = await Promise.all(
    Array.from({ length: 10 }, () => bob.api.workflows.execute({ id: workflowId, wait: 10 })),
  );
  const until = new Date(Date.now() + 1);
  while (Date.now() <= until.getTime()) await sleep(1);
  await Promise.all([1, 2, 3].map(() => bob.api.executions.redrive({ until })));
  const { items } = await bob.api.executions.list({ trigger: 'restart', limit: 100 });
  expect(items.map(({ restartedFrom }) => restartedFrom).toSorted()).toEqual(failed.map(({ id }) => id).toSorted());
  await Promise.all(items.map((item) => ended(item, bob)));
});

test('what is under way is cancelled by workflow and status, and nothing else', async () => {
  const bob = await api.member();
  const long = chain({ id: 'long', type: 'delay', params: { seconds: 600 } });
  const [one, other] = [await published(long, bob), await published(long, bob)];
  for (const id of [one, one, other]) await bob.api.workflows.execute({ id });
  expect(await bob.api.executions.cancelMany({ workflowId: one, trigger: 'webhook:none' })).toEqual({ cancelled: 0 });
  expect(await bob.api.executions.cancelMany({ workflowId: one })).toEqual({ cancelled: 2 });
  expect(await bob.api.executions.cancelMany({ limit: 1 })).toEqual({ cancelled: 1 });
  expect(await bob.api.executions.cancelMany({})).toEqual({ cancelled: 0 });
});

test('another team’s executions are neither redriven nor cancelled', async () => {
  const bob = await api.member();
  const failing = await published(chain({ id: 'a', type: 'fail', params: {} }));
  await ann.api.workflows.execute({ id: failing, wait: 10 });
  const long = await published(chain({ id: 'long', type: 'delay', params: { seconds: 600 } }));
  const { id } = await ann.api.workflows.execute({ id: long });
  for (const workflowId of [failing, undefined]) {
    expect(await bob.api.executions.redrive({ workflowId })).toEqual({ redriven: 0, executions: [] });
  }
  for (const workflowId of [long, undefined]) {
    expect(await bob.api.executions.cancelMany({ workflowId })).toEqual({ cancelled: 0 });
  }
  await ann.api.executions.cancel({ id });
});

test('the list is narrowed by error code, trigger and time', async () => {
  const bob = await api.member();
  const workflowId = await published(chain({ id: 'a', type: 'fail', params: { code: 'odd' } }), bob);
  const { id, createdAt } = await bob.api.workflows.execute({ id: workflowId, wait: 10 });
  const ids = async (filter: Parameters<typeof bob.api.executions.list>[0]) =>
    (await bob.api.executions.list(filter)).items.map((item) => item.id);
  const earlier = new Date(createdAt.getTime() - 60_000);
  const later = new Date(createdAt.getTime() + 60_000);
  expect(await ids({ errorCode: 'odd' })).toEqual([id]);
  expect(await ids({ errorCode: 'even' })).toEqual([]);
  expect(await ids({ errorCode: 'odd', status: 'completed' })).toEqual([]);
  expect(await ids({ trigger: 'api' })).toEqual([id]);
  expect(await ids({ trigger: 'webhook:x' })).toEqual([]);
  expect(await ids({ since: earlier, until: later })).toEqual([id]);
  expect(await ids({ since: createdAt })).toEqual([id]);
  expect(await ids({ until: createdAt })).toEqual([]);
  expect(await ids({ since: later })).toEqual([]);
  expect(await ids({ until: earlier })).toEqual([]);
  expect(await ids({ since: new Date(8.64e15), until: new Date(-8.64e15) })).toEqual([]);
});
