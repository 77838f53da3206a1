import { randomUUID } from 'node:crypto';
import { tierLimits } from '@flowplane/contract/tiers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { appRouter } from './api.ts';
import { chain, problemOf, testApi } from './test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

async function workflow(...nodes: Parameters<typeof chain>): Promise<string> {
  return (await ann.api.workflows.create({ name: 'A', definition: chain(...nodes) })).id;
}

const logging = { id: 'say', type: 'log', params: { message: 'said', data: { n: 1 } } };
const sleeping = { id: 'sleep', type: 'delay', params: { seconds: 600 } };

/** A caller's types say what clients get; on the server events are in tRPC's envelopes yet. */
const envelope = z.tuple([z.string(), z.object({ event: z.string(), data: z.unknown() })], z.unknown());

async function all(stream: AsyncIterable<unknown>): Promise<{ id: string; event: string; data: unknown }[]> {
  const events = [];
  for await (const sent of stream) {
    const [id, event] = envelope.parse(sent);
    events.push({ id, ...event });
  }
  return events;
}

test('an execution’s events are those of its steps and logs, and resume after any of them', async () => {
  const id = await workflow(logging, { id: 'a', type: 'transform', params: { value: 7 } });
  const execution = await ann.api.workflows.execute({ id, draft: true, wait: 10 });
  const events = await all(await ann.api.executions.events({ id: execution.id }));
  const steps = await ann.api.executions.steps({ id: execution.id });
  const logs = await ann.api.executions.logs({ id: execution.id });
  expect(events.map(({ event, data }) => ({ event, data }))).toEqual([
    { event: 'log', data: logs.items[0] },
    { event: 'step', data: steps.items[0] },
    { event: 'step', data: steps.items[1] },
    { event: 'status', data: { status: 'completed' } },
    { event: 'done', data: execution },
  ]);
  for (const [index, event] of events.entries()) {
    const rest = await all(await ann.api.executions.events({ id: execution.id, lastEventId: event.id }));
    expect(rest).toEqual(events.slice(index + 1));
  }
});

test('an id that no event has is refused, one from the future waits', async () => {
  const id = await workflow(sleeping);
  const execution = await ann.api.workflows.execute({ id, draft: true });
  for (const lastEventId of ['', 'x', '-1', '1:2', '1'.repeat(10), '1.5', '٣']) {
    const refused = problemOf(ann.api.executions.events({ id: execution.id, lastEventId }));
    expect(await refused).toMatchObject({ status: 400, errors: [{ path: 'lastEventId' }] });
  }
  for (const lastEventId of [
    '',
    '7',
    `1:${execution.id}`,
    `${'9'.repeat(20)}:${execution.id}:1`,
    `1:${execution.id}:-1`,
    `09:${execution.id}:1`,
  ]) {
    const refused = problemOf(ann.api.workflows.logs({ id, lastEventId }));
    expect(await refused).toMatchObject({ status: 400, errors: [{ path: 'lastEventId' }] });
  }
  const waiting = all(await ann.api.executions.events({ id: execution.id, lastEventId: '999999999' }));
  await ann.api.executions.cancel({ id: execution.id });
  expect(await waiting).toEqual([]);
});

test('a workflow’s log is followed over its executions, until it is deleted', async () => {
  const id = await workflow(logging, sleeping);
  const first = await ann.api.workflows.execute({ id, draft: true });
  const stream = await ann.api.workflows.logs({ id });
  const iterator = stream[Symbol.asyncIterator]();
  const line = { level: 'info', message: 'said', data: { n: 1 }, path: 'say' };
  const next = async () => envelope.parse((await iterator.next()).value)[1];
  expect(await next()).toMatchObject({ event: 'log', data: { ...line, executionId: first.id } });
  const second = await ann.api.workflows.execute({ id, draft: true });
  expect(await next()).toMatchObject({ event: 'log', data: { ...line, executionId: second.id } });
  const ended = problemOf(iterator.next());
  await ann.api.workflows.delete({ id, force: true });
  expect(await ended).toMatchObject({ status: 404, code: 'not_found' });
});

test.each([
  ['signed out', async () => undefined],
  ['of another role', async () => ({ ...ann.principal, permissions: new Set<never>() })],
  ['of another team', async () => ({ ...ann.principal, teamId: randomUUID() })],
])(
  'threat 28: a stream ends within seconds when its caller is %s, and outlives a database that is away',
  async (_, later) => {
    const id = await workflow(sleeping);
    const execution = await ann.api.workflows.execute({ id, draft: true });
    let answer: () => Promise<typeof ann.principal | undefined> = async () => ann.principal;
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const ctx = { ...ann.as(ann.principal), authenticateAgain: () => answer() };
      const stream = await appRouter
        .createCaller(ctx)
        .executions.events({ id: execution.id, lastEventId: '999999999' });
      let over = false;
      const ended = all(stream).then(() => {
        over = true;
      });
      await vi.advanceTimersByTimeAsync(30_000);
      answer = () => Promise.reject(new Error('the database is away'));
      await vi.advanceTimersByTimeAsync(30_000);
      expect(over).toBe(false);
      answer = later;
      await vi.advanceTimersByTimeAsync(30_000);
      await ended;
    } finally {
      vi.useRealTimers();
    }
    await ann.api.executions.cancel({ id: execution.id });
  },
);

test('a user has so many streams open, by whatever credential, and others have theirs', async () => {
  const id = await workflow(sleeping);
  const execution = await ann.api.workflows.execute({ id, draft: true });
  const leaving = new AbortController();
  const open = (who: typeof ann.principal) =>
    appRouter
      .createCaller(ann.as(who), { signal: leaving.signal })
      .executions.events({ id: execution.id, lastEventId: '999999999' });
  const basic = { ...ann.principal, tier: 'basic' } as const;
  const most = tierLimits.basic?.streams ?? 0;
  for (let i = 0; i < most; i += 1) await open({ ...basic, kind: i % 2 ? 'apiKey' : 'jwt' });
  expect(await problemOf(open(basic))).toMatchObject({ status: 429, code: 'rate_limited' });
  await open({ ...basic, userId: randomUUID() });
  await open({ ...basic, tier: 'unlimited' });
  leaving.abort();
  const again = new AbortController();
  await appRouter.createCaller(ann.as(basic), { signal: again.signal }).executions.events({ id: execution.id });
  again.abort();
  await ann.api.executions.cancel({ id: execution.id });
});

test('a workflow says what it is doing, and stops all of it', async () => {
  const id = await workflow(sleeping);
  expect(await ann.api.workflows.status({ id })).toEqual({
    underWay: { pending: 0, running: 0, waiting: 0 },
    latest: null,
  });
  for (let i = 0; i < 3; i += 1) await ann.api.workflows.execute({ id, draft: true });
  await expect
    .poll(() => ann.api.workflows.status({ id }), { timeout: 5_000 })
    .toMatchObject({ underWay: { pending: 0, running: 0, waiting: 3 }, latest: { workflowId: id, status: 'waiting' } });
  expect(await ann.api.workflows.stop({ id })).toEqual({ cancelled: 3 });
  expect(await ann.api.workflows.stop({ id })).toEqual({ cancelled: 0 });
  const { underWay, latest } = await ann.api.workflows.status({ id });
  expect([underWay.waiting, latest?.status]).toEqual([0, 'cancelled']);
});

test('other workflows go on when one is stopped', async () => {
  const [one, two] = [await workflow(sleeping), await workflow(sleeping)];
  const kept = await ann.api.workflows.execute({ id: two, draft: true });
  await ann.api.workflows.execute({ id: one, draft: true });
  expect(await ann.api.workflows.stop({ id: one })).toEqual({ cancelled: 1 });
  expect((await ann.api.executions.get({ id: kept.id })).status).not.toBe('cancelled');
  expect(await ann.api.workflows.stop({ id: two })).toEqual({ cancelled: 1 });
});
