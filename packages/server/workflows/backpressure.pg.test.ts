import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
beforeAll(async () => {
  // Nothing is run here, so that everything that is started waits.
  api = await testApi({ slots: 0, queueBounds: { team: 2, all: 0 } });
});
afterAll(() => api[Symbol.asyncDispose]());

async function eventually<Value>(work: () => Promise<Value>): Promise<Value> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(100);
    }
  }
}

test('over capacity a run is queued; over the bound it is refused until there is room', async () => {
  const ann = await api.member();
  const { id } = await ann.api.workflows.create({ name: 'Run', definition: answering(1) });
  await ann.api.workflows.publish({ id });
  const queued = [await ann.api.workflows.execute({ id }), await ann.api.workflows.execute({ id, priority: 9 })];
  expect(queued.map(({ status }) => status)).toEqual(['pending', 'pending']);
  expect(await problemOf(ann.api.workflows.execute({ id }))).toMatchObject({ status: 429, code: 'queue_full' });
  expect((await ann.api.executions.list({ workflowId: id })).items).toHaveLength(2);
  await ann.api.executions.cancel({ id: queued[0]?.id ?? '' });
  expect((await eventually(() => ann.api.workflows.execute({ id }))).status).toBe('pending');
});

test('an event is stored although there is no room for what it starts, which is started later', async () => {
  const bea = await api.member();
  const definition = { ...answering(1), triggers: [{ id: 'on', type: 'event' as const, event: 'paid' }] };
  const { id } = await bea.api.workflows.create({ name: 'On', definition });
  await bea.api.workflows.publish({ id });
  const blocking = [await bea.api.workflows.execute({ id }), await bea.api.workflows.execute({ id })];
  const sent = await bea.api.events.send({ event: 'paid', data: 1, id: 'payment-1' });
  expect(sent.executions).toHaveLength(1);
  expect((await bea.api.executions.list({ workflowId: id })).items).toHaveLength(2);
  for (const one of blocking) await bea.api.executions.cancel({ id: one.id });
  await eventually(async () => {
    expect(await bea.api.events.send({ event: 'paid', data: 1, id: 'payment-1' })).toEqual(sent);
    expect((await bea.api.executions.get({ id: sent.executions[0] ?? '' })).trigger).toBe('event:on');
  });
});

test('over the bound a restart is refused, and redriving makes as many executions as there is room for', async () => {
  const cid = await api.member();
  const { id } = await cid.api.workflows.create({ name: 'Again', definition: answering(1) });
  await cid.api.workflows.publish({ id });
  const ended: string[] = [];
  while (ended.length < 3) {
    const execution = await eventually(() => cid.api.workflows.execute({ id }));
    await cid.api.executions.cancel({ id: execution.id });
    ended.push(execution.id);
  }
  const redriven: string[] = [];
  await eventually(async () => {
    const { executions } = await cid.api.executions.redrive({ workflowId: id, status: 'cancelled' });
    redriven.push(...executions);
    expect(redriven).toHaveLength(2);
  });
  const redrive = cid.api.executions.redrive({ workflowId: id, status: 'cancelled' });
  expect(await problemOf(redrive)).toMatchObject({ status: 429, code: 'queue_full' });
  const restart = cid.api.executions.restart({ id: ended[0] ?? '' });
  expect(await problemOf(restart)).toMatchObject({ status: 429, code: 'queue_full' });
  expect((await cid.api.executions.list({ workflowId: id })).items).toHaveLength(5);
});
