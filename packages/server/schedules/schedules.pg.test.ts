import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const nightly = { id: 'nightly', type: 'schedule' as const, cron: '0 3 * * *', timezone: 'Europe/Paris' };

function withTriggers(...triggers: object[]) {
  return { ...answering(1), triggers: JSON.parse(JSON.stringify(triggers)) };
}

async function published(...triggers: object[]): Promise<string> {
  const { id } = await ann.api.workflows.create({ name: 'Nightly', definition: withTriggers(...triggers) });
  await ann.api.workflows.publish({ id });
  return id;
}

async function schedulesOf(id: string) {
  return (await ann.api.schedules.ofWorkflow({ id })).items;
}

test('a bad cron expression or time zone is refused when the workflow is saved, by its field', async () => {
  for (const [wrong, path] of [
    [{ cron: '99 * * * *' }, 'cron'],
    [{ cron: '0 0 30 2 *' }, 'cron'],
    [{ timezone: 'Mars/Olympus' }, 'timezone'],
  ] as const) {
    const definition = withTriggers({ id: 'hook', type: 'webhook', path: 'a' }, { ...nightly, ...wrong });
    const problem = await problemOf(ann.api.workflows.create({ name: 'x', definition }));
    expect(problem).toMatchObject({ status: 400, code: 'invalid_workflow' });
    expect(problem.errors?.map((error) => error.path)).toEqual([`definition.triggers[1].${path}`]);
  }
  const long = withTriggers({ ...nightly, cron: '1,'.repeat(60) });
  expect(await problemOf(ann.api.workflows.create({ name: 'x', definition: long }))).toMatchObject({
    code: 'invalid_input',
  });
});

test('publishing makes the schedules, with what is left out filled in; saving a draft does not', async () => {
  const { id } = await ann.api.workflows.create({ name: 'Nightly', definition: withTriggers(nightly) });
  expect(await schedulesOf(id)).toEqual([]);
  await ann.api.workflows.publish({ id });
  const [schedule] = await schedulesOf(id);
  expect(schedule).toMatchObject({
    workflowId: id,
    triggerId: 'nightly',
    cron: '0 3 * * *',
    timezone: 'Europe/Paris',
    jitterSeconds: 0,
    overlap: 'skip',
    catchUp: 'last',
    paused: false,
    lastFiredAt: null,
    lastExecutionId: null,
  });
  expect(schedule?.nextFireTimes).toHaveLength(5);
  expect(await ann.api.schedules.get({ id: schedule?.id ?? '' })).toEqual(schedule);
  const all = await ann.api.schedules.list({});
  expect(all.items).toContainEqual(schedule);
});

test('a version without the trigger, or deleting the workflow, removes the schedule', async () => {
  const id = await published(nightly, { ...nightly, id: 'other' });
  await ann.api.workflows.update({ id, definition: withTriggers(nightly) });
  await ann.api.workflows.publish({ id });
  expect((await schedulesOf(id)).map(({ triggerId }) => triggerId)).toEqual(['nightly']);
  await ann.api.workflows.delete({ id });
  const rows = await api.database.db.selectFrom('schedules').select('id').where('workflow_id', '=', id).execute();
  expect(rows).toEqual([]);
});

test('a new version keeps a schedule that fires when it did, and starts one afresh that does not', async () => {
  const id = await published(nightly);
  await api.database.db
    .updateTable('schedules')
    .set({ next_fire_at: new Date(0), due_at: new Date(0) })
    .where('workflow_id', '=', id)
    .execute();
  const [before] = await schedulesOf(id);
  await ann.api.workflows.update({ id, definition: withTriggers({ ...nightly, overlap: 'queue' }) });
  await ann.api.workflows.publish({ id });
  const [kept] = await schedulesOf(id);
  expect(kept).toEqual({ ...before, overlap: 'queue' });
  await ann.api.workflows.update({ id, definition: withTriggers({ ...nightly, cron: '0 4 * * *' }) });
  await ann.api.workflows.publish({ id });
  const [fresh] = await schedulesOf(id);
  expect(fresh?.id).toBe(before?.id);
  expect(Number(fresh?.nextFireTimes[0])).toBeGreaterThan(Date.now() - 60_000);
});

test('a paused schedule is not due, also when it is published again, and goes on from now when it is resumed', async () => {
  const id = await published(nightly);
  const [schedule] = await schedulesOf(id);
  const due = () =>
    api.database.db.selectFrom('schedules').select('due_at').where('workflow_id', '=', id).executeTakeFirstOrThrow();
  const paused = await ann.api.schedules.pause({ id: schedule?.id ?? '' });
  expect(paused).toMatchObject({ paused: true, nextFireTimes: [] });
  expect(await ann.api.schedules.pause({ id: paused.id })).toEqual(paused);
  expect(await due()).toEqual({ due_at: null });
  await ann.api.workflows.update({ id, definition: withTriggers({ ...nightly, cron: '0 4 * * *' }) });
  await ann.api.workflows.publish({ id });
  expect(await schedulesOf(id)).toMatchObject([{ paused: true, cron: '0 4 * * *' }]);
  expect(await due()).toEqual({ due_at: null });
  const resumed = await ann.api.schedules.resume({ id: paused.id });
  expect(resumed).toMatchObject({ paused: false });
  expect(await due()).toEqual({ due_at: resumed.nextFireTimes[0] });
});

test('a preview shows the next ten times of an expression, or what is wrong with it', async () => {
  const { nextFireTimes } = await ann.api.schedules.preview({ cron: '0 3 * * *', timezone: 'Europe/Paris' });
  expect(nextFireTimes).toHaveLength(10);
  const hour = new Intl.DateTimeFormat('en', { hour: 'numeric', hourCycle: 'h23', timeZone: 'Europe/Paris' });
  expect(new Set(nextFireTimes.map((at) => hour.format(at)))).toEqual(new Set(['03']));
  expect(await problemOf(ann.api.schedules.preview({ cron: 'nope' }))).toMatchObject({
    status: 400,
    code: 'invalid_input',
    errors: [{ path: 'cron' }],
  });
  expect(await problemOf(ann.api.schedules.preview({ cron: '* * * * *', timezone: 'x' }))).toMatchObject({
    errors: [{ path: 'timezone' }],
  });
});
