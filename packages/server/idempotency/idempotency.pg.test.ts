import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Context } from '../context.ts';
import { answering, call, chain, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

function keyed(key: string, who = ann): Context {
  const context = who.as(who.principal);
  return { ...context, request: { ...context.request, idempotencyKey: key } };
}

function replayed(context: Context): boolean {
  return context.response.headers['idempotency-replayed'] === 'true';
}

const input = { name: 'Keyed', definition: answering(1) };

async function countOf(name: string): Promise<number> {
  const rows = await api.database.db.selectFrom('workflows').select('id').where('name', '=', name).execute();
  return rows.length;
}

test('threat 10: a repeated create answers with the first workflow, dates included, and makes no second one', async () => {
  const key = randomUUID();
  const name = randomUUID();
  const [first, again] = [keyed(key), keyed(key)];
  const made = await call(first, 'workflows.create', { ...input, name });
  expect(await call(again, 'workflows.create', { ...input, name })).toEqual(made);
  expect([replayed(first), replayed(again)]).toEqual([false, true]);
  expect(await countOf(name)).toBe(1);
});

test('threat 10: of twenty at once one makes the workflow; the others get it or are told that it is under way', async () => {
  const key = randomUUID();
  const name = randomUUID();
  const answers = await Promise.allSettled(
    Array.from({ length: 20 }, () => call(keyed(key), 'workflows.create', { ...input, name })),
  );
  const codes = await Promise.all(
    answers.flatMap((answer) => (answer.status === 'rejected' ? [problemOf(Promise.reject(answer.reason))] : [])),
  );
  expect(new Set(codes.map(({ code, status }) => `${status} ${code}`))).toEqual(new Set(['409 idempotency_in_flight']));
  expect(await countOf(name)).toBe(1);
  expect(await call(keyed(key), 'workflows.create', { ...input, name })).toMatchObject({ name });
});

test('threat 10: a key that was sent with another input is refused, and nothing is made', async () => {
  const key = randomUUID();
  const name = randomUUID();
  await call(keyed(key), 'workflows.create', { ...input, name: `${name} one` });
  const problem = await problemOf(call(keyed(key), 'workflows.create', { ...input, name: `${name} two` }));
  expect(problem).toMatchObject({ status: 422, code: 'idempotency_mismatch' });
  expect(await countOf(`${name} two`)).toBe(0);
});

test('a call that failed keeps nothing, so that it may be sent again', async () => {
  const key = randomUUID();
  const definition = chain({ id: 'a', type: 'nope', params: {} });
  const refused = () => problemOf(call(keyed(key), 'workflows.create', { ...input, definition }));
  expect(await refused()).toMatchObject({ code: 'invalid_workflow' });
  expect(await refused()).toMatchObject({ code: 'invalid_workflow' });
  expect(await call(keyed(key), 'workflows.create', input)).toMatchObject({ name: input.name });
});

test('a key belongs to its caller and procedure: another’s same key is another key', async () => {
  const key = randomUUID();
  const bob = await api.member();
  const name = randomUUID();
  const made = await ann.api.workflows.create({ ...input, name });
  await call(keyed(key), 'workflows.update', { id: made.id, name: `${name} 2` });
  await call(keyed(key), 'workflows.create', { ...input, name });
  await call(keyed(key, bob), 'workflows.create', { ...input, name });
  expect(await countOf(name)).toBe(2);
});

test('a repeated delete answers as the first did, although there is nothing left to delete', async () => {
  const key = randomUUID();
  const { id } = await ann.api.workflows.create(input);
  expect(await call(keyed(key), 'workflows.delete', { id })).toBeUndefined();
  expect(await call(keyed(key), 'workflows.delete', { id })).toBeUndefined();
});

test('a repeated execute, at once or later, is one execution, also when the workflow is gone from the published ones', async () => {
  const { id } = await ann.api.workflows.create({ ...input, definition: answering('{{ input.n }}') });
  await ann.api.workflows.publish({ id });
  const key = randomUUID();
  const run = () => call(keyed(key), 'workflows.execute', { id, input: { n: 7 }, wait: 10 });
  const answers = await Promise.all(Array.from({ length: 10 }, run));
  answers.push(await run());
  const ids = new Set(answers.map((answer) => Reflect.get(Object(answer), 'id')));
  expect(ids.size).toBe(1);
  for (const answer of answers) expect(answer).toMatchObject({ status: 'completed', output: 7 });
  const [executionId] = ids;
  const steps = await ann.api.executions.steps({ id: String(executionId) });
  expect(steps.items).toHaveLength(1);
  expect((await ann.api.executions.list({ workflowId: id })).items).toHaveLength(1);
});

test('threat 10: an execution whose process died after the key was kept is started by the repeat', async () => {
  const { id } = await ann.api.workflows.create({ ...input, definition: answering(3) });
  await ann.api.workflows.publish({ id });
  const key = randomUUID();
  const run = () => call(keyed(key), 'workflows.execute', { id, wait: 10 });
  const first = await run();
  // What is left of a process that died between the two commits.
  await api.database.db.deleteFrom('executions').where('workflow_id', '=', id).execute();
  expect(await run()).toMatchObject({ id: Reflect.get(Object(first), 'id'), status: 'completed', output: 3 });
});

test('more keyed calls at once than there are connections do not wait for each other’s', async () => {
  const wait = chain({ id: 'a', type: 'delay', params: { seconds: 600 } });
  const { id } = await ann.api.workflows.create({ ...input, definition: wait });
  await ann.api.workflows.publish({ id });
  const many = api.database.pool.options.max + 5;
  const started = await Promise.all(Array.from({ length: many }, () => ann.api.workflows.execute({ id })));
  const begun = performance.now();
  const cancelled = await Promise.all(
    started.map((one) => call(keyed(randomUUID()), 'executions.cancel', { id: one.id })),
  );
  for (const one of cancelled) expect(one).toMatchObject({ status: 'cancelled' });
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test('the secret of a new API key is replayed, and is nowhere in the database in clear', async () => {
  const key = randomUUID();
  const made = Object(await call(keyed(key), 'auth.apiKeys.create', { name: 'robot' }));
  expect(await call(keyed(key), 'auth.apiKeys.create', { name: 'robot' })).toEqual(made);
  const kept = await api.database.db.selectFrom('idempotency_keys').selectAll().execute();
  expect(JSON.stringify(kept)).not.toContain(made.key);
});

test('keys are forgotten after a day', async () => {
  const key = randomUUID();
  const name = randomUUID();
  await call(keyed(key), 'workflows.create', { ...input, name });
  await api.database.pool.query(`update idempotency_keys set created_at = now() - interval '25 hours' where key = $1`, [
    key,
  ]);
  await call(keyed(randomUUID()), 'workflows.create', { ...input, name });
  await call(keyed(key), 'workflows.create', { ...input, name });
  expect(await countOf(name)).toBe(3);
});

test('a key must be 1 to 255 printable ASCII characters', async () => {
  for (const key of ['', 'x'.repeat(256), 'ключ', 'a\nb']) {
    expect(await problemOf(call(keyed(key), 'workflows.create', input)), key).toMatchObject({ status: 400 });
  }
});

test('data with keys that superjson refuses is kept, compared and replayed like any other', async () => {
  const key = randomUUID();
  const constructed = JSON.parse('{"constructor":"Ferrari","prototype":[1]}');
  const definition = answering(constructed);
  const made = await call(keyed(key), 'workflows.create', { ...input, definition });
  expect(JSON.stringify(Object(made).definition.nodes[0].params.value)).toBe(JSON.stringify(constructed));
  expect(await call(keyed(key), 'workflows.create', { ...input, definition })).toEqual(made);
  const other = problemOf(
    call(keyed(key), 'workflows.create', { ...input, definition: answering({ constructor: 1 }) }),
  );
  expect(await other).toMatchObject({ code: 'idempotency_mismatch' });
});
