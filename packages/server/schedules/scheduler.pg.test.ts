import type { ScheduleTrigger } from '@flowplane/contract/definition';
import type { Execution } from '@flowplane/contract/execution';
import type { Engine } from '@flowplane/engine/engine';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { answering, chain, testApi } from '../test-api.ts';
import { createScheduler, lookAtSchedules } from './scheduler.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());
afterEach(async () => {
  vi.useRealTimers();
  await api.database.db.deleteFrom('schedules').execute();
});

const quick = answering('{{ input }}');
const endless = chain({ id: 'a', type: 'delay', params: { seconds: 600 } });

/** Publishes a workflow with one schedule, which fires each hour unless given otherwise. @returns the workflow's id. */
async function publish(definition: typeof quick, trigger: Partial<ScheduleTrigger> = {}): Promise<string> {
  const schedule = { id: 'tick', type: 'schedule' as const, cron: '0 * * * *', ...trigger };
  const made = await ann.api.workflows.create({ name: 'Ticks', definition: { ...definition, triggers: [schedule] } });
  await ann.api.workflows.publish({ id: made.id });
  return made.id;
}

/** Makes a schedule as it is when nobody has looked at it since its slot `hours` ago. */
async function away(workflowId: string, hours: number): Promise<void> {
  await api.database.pool.query(
    `update schedules set next_fire_at = date_trunc('hour', now()) - make_interval(hours => $2), due_at = now()
      where workflow_id = $1`,
    [workflowId, hours],
  );
}

async function look(engine: Pick<Engine, 'start' | 'cancel'> = api.engine): Promise<unknown[]> {
  const errors: unknown[] = [];
  await lookAtSchedules({ db: api.database.db, engine }, (error) => errors.push(error));
  return errors;
}

/** Oldest first. */
async function executionsOf(workflowId: string): Promise<Execution[]> {
  const { items } = await ann.api.executions.list({ workflowId, limit: 100 });
  return Promise.all(items.reverse().map(({ id }) => ann.api.executions.get({ id })));
}

async function scheduleOf(workflowId: string) {
  const { items } = await ann.api.schedules.ofWorkflow({ id: workflowId });
  const [schedule] = items;
  if (!schedule) throw new Error('the workflow has no schedule');
  return schedule;
}

function slots(executions: Execution[]): unknown[] {
  return executions.map(({ input }) => Reflect.get(Object(input), 'scheduledAt'));
}

/** The full hours from `hours` ago to now, by the database's clock. */
async function hoursSince(hours: number): Promise<string[]> {
  const { rows } = await api.database.pool.query(
    `select at from generate_series(date_trunc('hour', now()) - make_interval(hours => $1), now(), '1 hour') at`,
    [hours],
  );
  return rows.map(({ at }) => at.toISOString());
}

test('a schedule that is due starts an execution of the published version with its slot and its input', async () => {
  const id = await publish(quick, { input: { report: 'daily' } });
  await away(id, 0);
  expect(await look()).toEqual([]);
  const [slot] = await hoursSince(0);
  const [execution, more] = await executionsOf(id);
  expect(more).toBeUndefined();
  expect(execution).toMatchObject({
    version: 1,
    trigger: 'schedule:tick',
    input: { report: 'daily', scheduledAt: slot },
  });
  expect(await api.engine.wait(ann.principal.teamId, execution?.id ?? '', 10_000)).toMatchObject({
    status: 'completed',
  });
  const schedule = await scheduleOf(id);
  expect(schedule.lastExecutionId).toBe(execution?.id);
  expect(schedule.nextFireTimes[0]?.getTime()).toBe(Date.parse(slot ?? '') + 3_600_000);
  await look();
  expect(await executionsOf(id)).toHaveLength(1);
});

test('two schedulers share what is due: each slot of each schedule has one execution', async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, () => publish(quick, { overlap: 'queue', catchUp: 'all' })));
  for (const id of ids) await away(id, 5);
  const failures: unknown[] = [];
  const schedulers = [1, 2].map(() =>
    createScheduler({ database: api.database, engine: api.engine, onError: (error) => failures.push(error) }),
  );
  for (const scheduler of schedulers) scheduler.start();
  const expected = await hoursSince(5);
  await vi.waitFor(
    async () => {
      for (const id of ids) expect(slots(await executionsOf(id))).toEqual(expected);
    },
    { timeout: 30_000, interval: 200 },
  );
  for (const scheduler of schedulers) await scheduler.stop();
  expect(failures).toEqual([]);
});

test('a schedule that fires each second does so in time, once a second', async () => {
  const id = await publish(quick, { cron: '* * * * * *', overlap: 'queue' });
  const scheduler = createScheduler({ database: api.database, engine: api.engine, onError: () => {} });
  scheduler.start();
  await vi.waitFor(async () => expect((await executionsOf(id)).length).toBeGreaterThanOrEqual(4), {
    timeout: 15_000,
    interval: 100,
  });
  await scheduler.stop();
  const executions = await executionsOf(id);
  expect(new Set(slots(executions)).size).toBe(executions.length);
  for (const { createdAt, input } of executions) {
    const late = createdAt.getTime() - Date.parse(String(Reflect.get(Object(input), 'scheduledAt')));
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(5_000);
  }
});

test.each(['before', 'after'] as const)(
  'a scheduler that is killed %s it started a slot leaves it to the next one, which starts no second execution',
  async (when) => {
    const id = await publish(quick);
    await away(id, 0);
    const killed = {
      cancel: api.engine.cancel,
      start: async (request: Parameters<Engine['start']>[0]) => {
        if (when === 'after') await api.engine.start(request);
        throw new Error('killed');
      },
    };
    expect(await look(killed)).toHaveLength(1);
    // Nobody else looks while the claim may still be worked on.
    await look();
    expect(await executionsOf(id)).toHaveLength(when === 'after' ? 1 : 0);
    await api.database.db
      .updateTable('schedules')
      .set({ due_at: new Date(0) })
      .execute();
    expect(await look()).toEqual([]);
    const executions = await executionsOf(id);
    expect(slots(executions)).toEqual(await hoursSince(0));
    expect((await scheduleOf(id)).lastExecutionId).toBe(executions[0]?.id);
  },
);

test.each([-10, 10])(
  'a clock of ours that is %s minutes off changes nothing: the database’s counts',
  async (minutes) => {
    const id = await publish(quick);
    const slot = (await scheduleOf(id)).nextFireTimes[0];
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * 60_000 });
    await look();
    expect(await executionsOf(id)).toEqual([]);
    expect((await scheduleOf(id)).nextFireTimes[0]).toEqual(slot);
    await away(id, 0);
    await look();
    expect(slots(await executionsOf(id))).toEqual(await hoursSince(0));
  },
);

test('after an outage none, the last or all of what was missed is made up for, as it is set', async () => {
  const policies = ['none', 'last', 'all'] as const;
  const ids = await Promise.all(
    policies.map((catchUp) => publish(quick, { catchUp, overlap: 'queue', cron: '30 * * * *' })),
  );
  // Half past is never within the minute that counts as in time, as the next slot is taken away from the current one.
  for (const id of ids) {
    await api.database.pool.query(
      `update schedules set due_at = now(), next_fire_at = date_trunc('hour', now()) - interval '3 hours 30 minutes' where workflow_id = $1`,
      [id],
    );
  }
  await vi.waitFor(
    async () => {
      await look();
      const [none, last, all] = await Promise.all(ids.map(executionsOf));
      const { rows } = await api.database.pool.query(
        `select count(*)::int as n from generate_series(date_trunc('hour', now()) - interval '3 hours 30 minutes', now(), '1 hour')`,
      );
      expect(all).toHaveLength(rows[0].n);
      expect(slots(last ?? [])).toEqual(slots((all ?? []).slice(-1)));
      expect((none ?? []).length).toBeLessThanOrEqual(1);
    },
    { timeout: 10_000, interval: 100 },
  );
});

/** Makes the current hour's slot wait for its start. */
async function currentHourWaits(workflowId: string): Promise<void> {
  await api.database.pool.query(
    `update schedules set waiting = array[date_trunc('hour', now())], due_at = now() where workflow_id = $1`,
    [workflowId],
  );
}

test('skip leaves a slot out while the execution before is unfinished, and starts the next after it', async () => {
  const id = await publish(endless, { overlap: 'skip', catchUp: 'all' });
  await away(id, 1);
  await look();
  await look();
  const [first, second] = await executionsOf(id);
  expect(second).toBeUndefined();
  await ann.api.executions.cancel({ id: first?.id ?? '' });
  await look();
  expect(await executionsOf(id)).toHaveLength(1);
  await currentHourWaits(id);
  await look();
  expect(slots(await executionsOf(id))).toEqual(await hoursSince(1));
});

test('queue starts a slot when the execution before has ended, with its own time', async () => {
  const id = await publish(endless, { overlap: 'queue', catchUp: 'all' });
  await away(id, 1);
  await look();
  await look();
  const [first, early] = await executionsOf(id);
  expect(early).toBeUndefined();
  await ann.api.executions.cancel({ id: first?.id ?? '' });
  await vi.waitFor(
    async () => {
      await look();
      expect(slots(await executionsOf(id))).toEqual(await hoursSince(1));
    },
    { timeout: 10_000, interval: 100 },
  );
  expect((await executionsOf(id)).map(({ status }) => status)[0]).toBe('cancelled');
});

test('cancel-previous cancels what is under way, and not what others started', async () => {
  const id = await publish(endless, { overlap: 'cancel-previous' });
  const byHand = await ann.api.workflows.execute({ id });
  await api.database.pool.query(
    `update schedules set waiting = array[date_trunc('hour', now()) - interval '1 hour'], due_at = now() where workflow_id = $1`,
    [id],
  );
  await look();
  await currentHourWaits(id);
  await look();
  const executions = (await executionsOf(id)).filter((one) => one.trigger === 'schedule:tick');
  expect(executions).toHaveLength(2);
  expect(executions[0]?.status).toBe('cancelled');
  expect(['pending', 'running', 'waiting']).toContain(executions[1]?.status);
  expect((await ann.api.executions.get({ id: byHand.id })).status).not.toBe('cancelled');
});

test('a schedule that was published again while it was looked at goes by its new times', async () => {
  const id = await publish(quick);
  await away(id, 0);
  const slow = {
    cancel: api.engine.cancel,
    start: async (request: Parameters<Engine['start']>[0]) => {
      const definition = { ...quick, triggers: [{ id: 'tick', type: 'schedule' as const, cron: '0 0 1 1 *' }] };
      await ann.api.workflows.update({ id, definition });
      await ann.api.workflows.publish({ id });
      return api.engine.start(request);
    },
  };
  await look(slow);
  const { cron, nextFireTimes } = await scheduleOf(id);
  expect(cron).toBe('0 0 1 1 *');
  expect(nextFireTimes[0]?.toISOString()).toMatch(/-01-01T00:00:00.000Z$/);
});

test('a workflow that is deleted while its schedule is looked at starts nothing and breaks nothing', async () => {
  const id = await publish(quick);
  await away(id, 0);
  const slow = {
    cancel: api.engine.cancel,
    start: async (request: Parameters<Engine['start']>[0]) => {
      await ann.api.workflows.delete({ id, force: true });
      return api.engine.start(request);
    },
  };
  expect(await look(slow)).toEqual([]);
  expect(await executionsOf(id)).toEqual([]);
});
