import { randomUUID } from 'node:crypto';
import { limits } from '@flowplane/contract/limits';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { answering, call, problemOf, testApi } from '../test-api.ts';
import { createEventHousekeeping, pruneEvents } from './housekeeping.ts';
import { sendEvent } from './send.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
});
beforeEach(async () => {
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

type Trigger = { id: string; type: 'event'; event: string; match?: string };
const created: Trigger = { id: 'created', type: 'event', event: 'order.created' };

async function published(...triggers: Trigger[]): Promise<string> {
  const definition = { ...answering('{{ input.data.total }}'), triggers };
  const { id } = await ann.api.workflows.create({ name: 'On order', definition });
  await ann.api.workflows.publish({ id });
  return id;
}

async function countOf(workflowId: string): Promise<number> {
  return (await ann.api.executions.list({ workflowId })).items.length;
}

test('an event starts every published workflow with a trigger on its name, once for each trigger, with the event as input', async () => {
  const [one, two, other] = [
    await published(created),
    await published(created, { ...created, id: 'again' }),
    await published({ ...created, event: 'order.paid' }),
  ];
  const draft = { ...answering(1), triggers: [created] };
  await ann.api.workflows.create({ name: 'Draft', definition: draft });
  const sent = await ann.api.events.send({ event: 'order.created', data: { total: 7 } });
  expect(sent.executions).toHaveLength(3);
  expect([await countOf(one), await countOf(two), await countOf(other)]).toEqual([1, 2, 0]);
  const stored = await ann.api.events.get({ id: sent.id });
  expect(stored).toMatchObject({ event: 'order.created', data: { total: 7 }, executions: sent.executions });
  for (const id of sent.executions) {
    const execution = await api.engine.wait(ann.principal.teamId, id, 10_000);
    expect(execution).toMatchObject({
      status: 'completed',
      version: 1,
      output: 7,
      input: { event: 'order.created', data: { total: 7 }, id: sent.id, at: stored.at.toISOString() },
    });
    expect(execution?.trigger).toMatch(/^event:(created|again)$/);
  }
});

test('a match lets only some events start an execution, and one that fails none', async () => {
  const large = await published({ ...created, match: '{{ event.data.total > 100 }}' });
  const broken = await published({ ...created, match: '{{ event.data.customer.name === "ada" }}' });
  for (const total of [50, 150]) await ann.api.events.send({ event: 'order.created', data: { total } });
  expect([await countOf(large), await countOf(broken)]).toEqual([1, 0]);
});

test('a match that is no expression is refused when the workflow is saved', async () => {
  const definition = { ...answering(1), triggers: [{ ...created, match: 'total > 100' }] };
  expect(await problemOf(ann.api.workflows.create({ name: 'x', definition }))).toMatchObject({
    code: 'invalid_workflow',
    errors: [{ path: 'definition.triggers[0].match' }],
  });
});

test('an event that is sent again with its id, one after the other or at once, is one event and starts nothing twice', async () => {
  const workflow = await published(created);
  const id = randomUUID();
  const send = () => ann.api.events.send({ event: 'order.created', data: { total: 1 }, id });
  const answers = [await send(), ...(await Promise.all(Array.from({ length: 10 }, send)))];
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]?.id).toBe(id);
  expect(await countOf(workflow)).toBe(1);
  expect((await ann.api.events.list({})).items.map((event) => event.id)).toEqual([id]);
});

test('a repeat with the same Idempotency-Key finds the event, and another body is refused', async () => {
  const workflow = await published(created);
  const context = () => {
    const made = ann.as(ann.principal);
    return { ...made, request: { ...made.request, idempotencyKey: 'order-1' } };
  };
  const send = (total: number) => call(context(), 'events.send', { event: 'order.created', data: { total } });
  expect(await send(1)).toEqual(await send(1));
  expect(await countOf(workflow)).toBe(1);
  expect(await problemOf(send(2))).toMatchObject({ status: 422, code: 'idempotency_mismatch' });
});

test('the same id of another team is another event, and starts nothing here', async () => {
  const workflow = await published(created);
  const eve = await api.member();
  const id = randomUUID();
  expect(await eve.api.events.send({ event: 'order.created', id })).toEqual({ id, executions: [] });
  expect(await countOf(workflow)).toBe(0);
  expect((await ann.api.events.send({ event: 'order.created', id })).executions).toHaveLength(1);
});

test('what an event was to start is started by others when the process that took it dies', async () => {
  const workflow = await published(created);
  const dying = {
    matches: api.engine.matches,
    start: async () => {
      throw new Error('killed');
    },
  };
  const scope = { db: api.database.db, teamId: ann.principal.teamId, engine: dying, reservedId: undefined };
  await expect(sendEvent(scope, { event: 'order.created', data: null, id: 'lost' })).rejects.toThrow('killed');
  const failures: unknown[] = [];
  const housekeeping = createEventHousekeeping({ ...api, onError: (error) => failures.push(error) });
  await api.database.db
    .updateTable('event_starts')
    .set({ due_at: new Date(0) })
    .execute();
  housekeeping.start();
  await vi.waitFor(async () => expect(await countOf(workflow)).toBe(1), { timeout: 10_000, interval: 50 });
  await housekeeping.stop();
  expect(failures).toEqual([]);
  const { executions } = await ann.api.events.send({ event: 'order.created', id: 'lost' });
  expect(executions).toEqual((await ann.api.executions.list({ workflowId: workflow })).items.map(({ id }) => id));
});

test('a repeat starts what the first call had not started yet', async () => {
  const workflow = await published(created);
  const start = async () => {
    throw new Error('killed');
  };
  const engine = { matches: api.engine.matches, start };
  const scope = { db: api.database.db, teamId: ann.principal.teamId, engine, reservedId: undefined };
  await expect(sendEvent(scope, { event: 'order.created', data: null, id: 'half' })).rejects.toThrow('killed');
  await ann.api.events.send({ event: 'order.created', id: 'half' });
  expect(await countOf(workflow)).toBe(1);
});

test('events are listed newest first, by name where wanted, page by page', async () => {
  for (const event of ['a', 'b', 'a']) await ann.api.events.send({ event });
  const all = await ann.api.events.list({});
  expect(all.items.map(({ event }) => event)).toEqual(['a', 'b', 'a']);
  expect(all.items[0]).not.toHaveProperty('data');
  const only = await ann.api.events.list({ event: 'a', limit: 1 });
  expect(only.items).toEqual([all.items[0]]);
  const rest = await ann.api.events.list({ event: 'a', limit: 1, cursor: only.nextCursor ?? '' });
  expect(rest).toEqual({ items: [all.items[2]], nextCursor: null });
});

test('data that is too large for an execution’s input is refused', async () => {
  const send = ann.api.events.send({ event: 'a', data: 'x'.repeat(limits.valueBytes) });
  expect(await problemOf(send)).toMatchObject({ status: 413, code: 'payload_too_large' });
});

test('a new version listens to its own events only, and a deleted workflow to none', async () => {
  const workflow = await published(created);
  const definition = { ...answering(1), triggers: [{ ...created, event: 'order.paid' }] };
  await ann.api.workflows.update({ id: workflow, definition });
  await ann.api.workflows.publish({ id: workflow });
  expect((await ann.api.events.send({ event: 'order.created' })).executions).toEqual([]);
  expect((await ann.api.events.send({ event: 'order.paid' })).executions).toHaveLength(1);
  await ann.api.workflows.delete({ id: workflow, force: true });
  expect((await ann.api.events.send({ event: 'order.paid' })).executions).toEqual([]);
});

test('too many triggers of a team on one event are refused when one more is published', async () => {
  const workflow = await published({ ...created, event: 'crowded' });
  await api.database.pool.query(
    `insert into event_triggers (workflow_id, trigger_id, team_id, event)
      select $1, 't' || n, $2, 'crowded' from generate_series(2, $3::int) n`,
    [workflow, ann.principal.teamId, limits.triggersOfEvent],
  );
  expect(await problemOf(published({ ...created, event: 'crowded' }))).toMatchObject({ code: 'invalid_workflow' });
});

test('events are removed when they are a month old, with what they refer to', async () => {
  await published(created);
  const { id } = await ann.api.events.send({ event: 'order.created' });
  await ann.api.events.send({ event: 'order.created', id: 'young' });
  await api.database.pool.query(`update events set created_at = now() - interval '31 days' where key = $1`, [id]);
  expect(await pruneEvents(api.database.db)).toBe(1);
  expect((await ann.api.events.list({})).items.map((event) => event.id)).toEqual(['young']);
});

test('matches that take too long together are given up: nothing is stored or started, and the sender is told', async () => {
  const endless = { ...created, match: '{{ (() => { for (;;); })() }}' };
  const triggers = Array.from({ length: 49 }, (_, n) => ({ ...endless, id: `t${n}` }));
  const workflow = await published({ ...created, id: 'plain' }, ...triggers);
  const problem = await problemOf(ann.api.events.send({ event: 'order.created', id: 'slow' }));
  expect(problem).toMatchObject({ status: 503, code: 'unavailable' });
  expect(problem.detail).toContain('order.created');
  expect(await countOf(workflow)).toBe(0);
  expect((await ann.api.events.list({})).items).toEqual([]);
});
