import { randomUUID } from 'node:crypto';
import { limits } from '@flowplane/contract/limits';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerWebhook } from '../../hooks/answer.ts';
import { lookAtSchedules } from '../../schedules/scheduler.ts';
import { answering, call, chain, problemOf, testApi } from '../../test-api.ts';
import { authenticate } from '../authenticate.ts';
import { password } from '../test-auth.ts';
import { newGuest } from './test-guests.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let host: Awaited<ReturnType<typeof api.member>>;

beforeAll(async () => {
  api = await testApi({ auth: { guestDays: 7 } });
  host = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const { guest: most } = limits;

/** As if a guest had started so many executions today. */
async function started(teamId: string, count: number): Promise<void> {
  await sql`
    update guests set started = ${count}, started_on = (now() at time zone 'utc')::date where team_id = ${teamId}`.execute(
    api.database.db,
  );
}

function statuses(tried: PromiseSettledResult<unknown>[]) {
  return tried.filter(({ status }) => status === 'fulfilled').length;
}

test('threat 32: a guest makes five workflows and no more, also at once and by import, and as many again as they delete', async () => {
  const guest = await newGuest(api, host);
  const create = () => guest.api.workflows.create({ name: 'Mine', definition: answering(1) });
  const made = await Promise.allSettled(Array.from({ length: most.workflows * 3 }, create));
  expect(statuses(made)).toBe(most.workflows);
  const document = { format: 'flowplane/workflow@1' as const, name: 'Imported', definition: answering(1) };
  for (const problem of [await problemOf(create()), await problemOf(guest.api.workflows.import(document))]) {
    expect(problem).toMatchObject({ status: 409, code: 'quota_reached', detail: expect.stringContaining('Register') });
  }
  const { items } = await guest.api.workflows.list({});
  expect(items).toHaveLength(most.workflows);
  await guest.api.workflows.delete({ id: items[0]?.id ?? '' });
  await expect(create()).resolves.toBeDefined();
});

test('threat 32: a guest publishes so many versions and no more', async () => {
  const guest = await newGuest(api, host);
  const { id } = await guest.api.workflows.create({ name: 'Mine', definition: answering(1) });
  await guest.api.workflows.publish({ id });
  await sql`
    insert into workflow_versions (workflow_id, version, team_id, definition_hash)
    select workflow_id, n, team_id, definition_hash from workflow_versions, generate_series(2, ${most.versions}::int) n
    where workflow_id = ${id}`.execute(api.database.db);
  await guest.api.workflows.update({ id, definition: answering(2) });
  expect(await problemOf(guest.api.workflows.publish({ id }))).toMatchObject({ code: 'quota_reached' });
  expect(await problemOf(guest.api.workflows.rollback({ id, version: 1 }))).toMatchObject({ code: 'quota_reached' });
});

test('threat 32: of starts at once a guest gets what is left of the day’s executions, restarts and test runs among them', async () => {
  const guest = await newGuest(api, host);
  const { id } = await guest.api.workflows.create({ name: 'Mine', definition: answering(1) });
  const execution = await guest.api.workflows.execute({ id, draft: true, wait: 10 });
  await started(guest.team.id, most.executionsPerDay - 3);
  const execute = () => guest.api.workflows.execute({ id, draft: true, wait: 10 });
  expect(statuses(await Promise.allSettled(Array.from({ length: 12 }, execute)))).toBe(3);
  for (const refused of [
    execute,
    () => guest.api.workflows.test({ id }),
    () => guest.api.executions.restart({ id: execution.id }),
  ]) {
    expect(await problemOf(refused())).toMatchObject({ status: 409, code: 'quota_reached' });
  }
  // It counts anew the next day.
  await sql`update guests set started_on = started_on - 1 where team_id = ${guest.team.id}`.execute(api.database.db);
  await expect(guest.api.executions.restart({ id: execution.id })).resolves.toBeDefined();
});

test('threat 32: what a webhook starts counts, and so does what a workflow calls, which fails with the code', async () => {
  const guest = await newGuest(api, host);
  const triggers = [{ id: 'hook', type: 'webhook' as const, path: 'in', method: 'POST' as const }];
  const callee = await guest.api.workflows.create({ name: 'Called', definition: { ...answering(1), triggers } });
  await guest.api.workflows.publish({ id: callee.id });
  const definition = chain({ id: 'call', type: 'workflow.call', params: { workflowId: callee.id, input: null } });
  const { id } = await guest.api.workflows.create({ name: 'Calls', definition });
  await started(guest.team.id, most.executionsPerDay - 1);
  const execution = await guest.api.workflows.execute({ id, draft: true, wait: 20 });
  expect(execution).toMatchObject({ status: 'failed', error: { code: 'quota_reached' } });
  const address = { slug: guest.team.slug, method: 'POST', path: 'in' };
  const body = { headers: {}, query: {}, rawBody: Buffer.alloc(0), input: () => null };
  await expect(answerWebhook(api, address, body)).rejects.toMatchObject({ code: 'quota_reached' });
});

test('threat 32: a schedule of a guest past the quota leaves its slot out, and is not tried again for it', async () => {
  const guest = await newGuest(api, host);
  const triggers = [{ id: 'hourly', type: 'schedule' as const, cron: '@hourly' }];
  const { id } = await guest.api.workflows.create({ name: 'Hourly', definition: { ...answering(1), triggers } });
  await guest.api.workflows.publish({ id });
  await started(guest.team.id, most.executionsPerDay);
  const { db } = api.database;
  const makeDue = () =>
    sql`
      update schedules set next_fire_at = date_trunc('hour', now()), due_at = now() where workflow_id = ${id}`.execute(
      db,
    );
  const errors: unknown[] = [];
  const look = () => lookAtSchedules({ db, engine: api.engine }, (error) => errors.push(error));
  await makeDue();
  await look();
  const schedule = db
    .selectFrom('schedules')
    .select(['waiting', 'last_fired_at', 'due_at'])
    .where('workflow_id', '=', id);
  const after = await schedule.executeTakeFirstOrThrow();
  expect(after).toMatchObject({ waiting: [], last_fired_at: null });
  expect(Number(after.due_at)).toBeGreaterThan(Date.now());
  await started(guest.team.id, 0);
  await makeDue();
  await look();
  expect((await guest.api.executions.list({})).items).toHaveLength(1);
  expect(errors).toEqual([]);
});

test('threat 32: what a guest tries past the quota is not stored', async () => {
  const guest = await newGuest(api, host);
  const { id } = await guest.api.workflows.create({ name: 'Mine', definition: answering(1) });
  await started(guest.team.id, most.executionsPerDay);
  for (const definition of [answering(2), answering(3)]) {
    await guest.api.workflows.update({ id, definition });
    expect(await problemOf(guest.api.workflows.execute({ id, draft: true }))).toMatchObject({ code: 'quota_reached' });
    expect(await problemOf(guest.api.workflows.test({ id, definition }))).toMatchObject({ code: 'quota_reached' });
  }
  const kept = api.database.db.selectFrom('definitions').select('hash').where('team_id', '=', guest.team.id);
  expect(await kept.execute()).toEqual([]);
});

test('threat 32: a guest has so many executions under way, and starts again when one has ended', async () => {
  const guest = await newGuest(api, host);
  const definition = chain({ id: 'wait', type: 'delay', params: { seconds: 3_600 } });
  const { id } = await guest.api.workflows.create({ name: 'Waits', definition });
  const execute = () => guest.api.workflows.execute({ id, draft: true });
  const first = await execute();
  for (let n = 1; n < most.executionsUnderWay; n += 1) await execute();
  expect(await problemOf(execute())).toMatchObject({
    code: 'quota_reached',
    detail: expect.stringContaining('at once'),
  });
  await guest.api.executions.cancel({ id: first.id });
  await expect(execute()).resolves.toBeDefined();
  await guest.api.workflows.stop({ id });
});

test('who registers has no quota any more, and an account never had one', async () => {
  const guest = await newGuest(api, host);
  const { id } = await guest.api.workflows.create({ name: 'Mine', definition: answering(1) });
  await started(guest.team.id, most.executionsPerDay);
  expect(await problemOf(guest.api.workflows.execute({ id, draft: true }))).toMatchObject({ code: 'quota_reached' });
  const email = `${randomUUID()}@example.com`;
  await call(guest.as(), 'auth.register', { email, password });
  const { accessToken } = await host.api.auth.login({ email, password });
  const account = host.as(await authenticate(api.auth, { authorization: `Bearer ${accessToken}` }, 'GET'));
  for (const owner of [account, host.as(host.principal)]) {
    for (let n = 0; n <= most.workflows; n += 1) {
      await call(owner, 'workflows.create', { name: 'More', definition: answering(1) });
    }
  }
  await expect(call(account, 'workflows.execute', { id, draft: true, wait: 10 })).resolves.toMatchObject({ output: 1 });
});

test('nothing is started for a guest whose time is over', async () => {
  const guest = await newGuest(api, host);
  const { id } = await guest.api.workflows.create({ name: 'Mine', definition: answering(1) });
  await sql`update guests set expires_at = now() where team_id = ${guest.team.id}`.execute(api.database.db);
  const problem = await problemOf(guest.api.workflows.execute({ id, draft: true }));
  expect(problem).toMatchObject({ code: 'quota_reached', detail: expect.stringContaining('expired') });
});
