import { setTimeout as sleep } from 'node:timers/promises';
import type { SignedIn } from '@flowplane/contract/auth';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startExecution } from '../../executions/start.ts';
import { answerWebhook } from '../../hooks/answer.ts';
import { answering, call, chain, problemOf, testApi } from '../../test-api.ts';
import { authenticate } from '../authenticate.ts';
import { openAuth } from '../test-auth.ts';
import { mergeGuest } from './merge.ts';
import { ofTables } from './move.ts';
import { newGuest } from './test-guests.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let host: Awaited<ReturnType<typeof api.member>>;

beforeAll(async () => {
  api = await testApi({ auth: { guestDays: 7 } });
  host = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

type Owner = Awaited<ReturnType<typeof api.member>>;
type Definition = Parameters<Owner['api']['workflows']['create']>[0]['definition'];

function merge(owner: Owner, guest: Pick<SignedIn, 'accessToken'>) {
  return owner.api.auth.guests.merge({ guestToken: guest.accessToken });
}

function hook(path: string) {
  return { id: 'hook', type: 'webhook', path, method: 'POST', respond: 'result' } as const;
}

function callHook(slug: string, path: string) {
  const nothing = { headers: {}, query: {}, rawBody: Buffer.alloc(0), input: () => null };
  return answerWebhook(api, { slug, method: 'POST', path }, nothing);
}

async function publish(who: Pick<Owner, 'api'>, definition: Definition): Promise<string> {
  const { id } = await who.api.workflows.create({ name: 'Merged', definition });
  await who.api.workflows.publish({ id });
  return id;
}

async function ended(owner: Owner, id: string) {
  const isOver = async () => (await owner.api.executions.get({ id })).finishedAt !== null;
  await expect.poll(isOver, { timeout: 20_000 }).toBe(true);
  return owner.api.executions.get({ id });
}

test('everything of a guest becomes the team’s: workflows, versions, executions, schedules, approvals, events, webhooks', async () => {
  const owner = await api.member();
  const guest = await newGuest(api, host);
  const triggers: Definition['triggers'] = [
    hook('orders'),
    { id: 'yearly', type: 'schedule', cron: '@yearly' },
    { id: 'on', type: 'event', event: 'order.created' },
  ];
  const id = await publish(guest, { ...answering(7), triggers });
  const done = await guest.api.workflows.execute({ id, wait: 10 });
  const asking = await guest.api.workflows.create({
    name: 'Asks',
    definition: chain({ id: 'ask', type: 'approval', params: { title: 'Sure?' } }),
  });
  const waiting = await guest.api.workflows.execute({ id: asking.id, draft: true });
  await expect.poll(async () => (await guest.api.approvals.list({})).items.length, { timeout: 10_000 }).toBe(1);
  await sql`
    insert into events (id, team_id, key, event, data, created_at)
    values (gen_random_uuid(), ${guest.team.id}, 'k', 'order.created', '{"n":1}', now())`.execute(api.database.db);

  const { slug } = owner;
  const before = `/hooks/${guest.team.slug}/orders`;
  expect(await merge(owner, guest)).toEqual({
    workflows: 2,
    executions: 2,
    schedules: 1,
    events: 1,
    webhooks: [
      { workflowId: id, triggerId: 'hook', method: 'POST', before, path: `/hooks/${slug}/orders`, answers: true },
    ],
  });
  expect((await owner.api.workflows.list({})).items.map((one) => one.id).sort()).toEqual([id, asking.id].sort());
  expect((await owner.api.workflows.version({ id, version: 1 })).definition.nodes).toHaveLength(1);
  expect(await owner.api.executions.get({ id: done.id })).toEqual(done);
  expect((await owner.api.executions.steps({ id: done.id })).items).toHaveLength(1);
  expect((await owner.api.schedules.list({})).items).toHaveLength(1);
  expect((await owner.api.events.list({})).items).toMatchObject([{ id: 'k' }]);
  expect(await callHook(slug, 'orders')).toMatchObject({ answer: { status: 200, body: 7 } });
  await expect(callHook(guest.team.slug, 'orders')).rejects.toMatchObject({ code: 'not_found' });
  expect((await owner.api.events.send({ event: 'order.created' })).executions).toHaveLength(1);
  expect(await owner.api.workflows.execute({ id, wait: 10 })).toMatchObject({ status: 'completed', output: 7 });
  const { items } = await owner.api.approvals.list({});
  await owner.api.approvals.decide({ id: items[0]?.id ?? '', approved: true });
  expect(await ended(owner, waiting.id)).toMatchObject({ status: 'completed' });
  await owner.api.workflows.publish({ id });
});

test('every table with a team_id is decided on', async () => {
  const { rows } = await sql<{ table_name: string }>`
    select table_name from information_schema.columns
    where table_schema = 'public' and column_name = 'team_id' order by table_name`.execute(api.database.db);
  expect(rows.map((row) => row.table_name)).toEqual(Object.keys(ofTables).sort());
});

test('threat 32: of ten merges at once one moves everything, and nothing is left of the guest', async () => {
  const owner = await api.member();
  const guest = await newGuest(api, host);
  const id = await publish(guest, { ...answering(1), triggers: [hook('once')] });
  await guest.api.workflows.execute({ id, wait: 10 });
  const tried = await Promise.allSettled(Array.from({ length: 10 }, () => merge(owner, guest)));
  expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const again = await problemOf(merge(owner, guest));
  expect(again).toMatchObject({ status: 400, code: 'invalid_input', errors: [{ path: 'guestToken' }] });
  expect((await owner.api.workflows.list({})).items).toHaveLength(1);
  expect((await owner.api.executions.list({})).items).toHaveLength(1);
  for (const [table, column] of [
    ['users', 'id'],
    ['sessions', 'user_id'],
    ['memberships', 'user_id'],
    ['guests', 'user_id'],
  ]) {
    const { rows } =
      await sql`select from ${sql.table(table ?? '')} where ${sql.ref(column ?? '')} = ${guest.user.id}`.execute(
        api.database.db,
      );
    expect(rows, table).toEqual([]);
  }
  for (const [table, what] of Object.entries(ofTables)) {
    if (table === 'audit_events' || table === 'idempotency_keys') continue;
    const { rows } = await sql`select from ${sql.table(table)} where team_id = ${guest.team.id}`.execute(
      api.database.db,
    );
    expect(rows, `${table} is ${what}`).toEqual([]);
  }
});

test('threat 32: a guest who registers while two accounts merge them becomes one of the three, whole', async () => {
  for (let round = 0; round < 5; round += 1) {
    const owners = [await api.member(), await api.member()];
    const guest = await newGuest(api, host);
    const id = await publish(guest, answering(1));
    const email = `${crypto.randomUUID()}@example.com`;
    const register = () => call(guest.as(), 'auth.register', { email, password: 'correct horse battery' });
    const tried = await Promise.allSettled([register(), ...owners.map((owner) => merge(owner, guest))]);
    expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const there = api.database.db.selectFrom('workflows').select('team_id').where('id', '=', id);
    const teams = [guest.team.id, ...owners.map(({ principal }) => principal.teamId)];
    const winner = tried.findIndex(({ status }) => status === 'fulfilled');
    expect(await there.execute()).toEqual([{ team_id: teams[winner] }]);
  }
});

test('a merge that is not committed changes nothing, and the guest goes on', async () => {
  const guest = await newGuest(api, host);
  await publish(guest, answering(1));
  const failing = api.database.db.transaction().execute(async (db) => {
    const auth = { ...api.auth, database: { ...api.database, db } };
    await mergeGuest({ ...api, auth }, host.principal, { guestToken: guest.accessToken });
    throw new Error('killed here');
  });
  await expect(failing).rejects.toThrow('killed here');
  expect((await guest.api.workflows.list({})).items).toHaveLength(1);
  expect(await guest.whoSends(guest.accessToken)).toMatchObject({ role: 'guest' });
  await expect(merge(await api.member(), guest)).resolves.toMatchObject({ workflows: 1 });
});

test('threat 32: the guest’s token, cookie and refresh token end with the merge, elsewhere within a second', async () => {
  const guest = await newGuest(api, host);
  const elsewhere = await openAuth(api.url, { guestDays: 7 });
  await guest.whoSends(guest.accessToken, elsewhere);
  await merge(await api.member(), guest);
  await expect(guest.whoSends(guest.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(await authenticate(api.auth, { cookie: guest.cookie }, 'GET')).toBeUndefined();
  const refreshing = call(host.as(undefined), 'auth.refresh', { refreshToken: guest.refreshToken });
  expect(await problemOf(refreshing)).toMatchObject({ code: 'unauthenticated' });
  await expect
    .poll(() => guest.whoSends(guest.accessToken, elsewhere).then(String, ({ code }) => code), { timeout: 3_000 })
    .toBe('unauthenticated');
  await elsewhere.database.close();
  // Who is still taken for the guest gets nowhere.
  expect(await problemOf(guest.api.users.me())).toMatchObject({ code: 'unauthenticated' });
  expect(await guest.api.workflows.list({})).toEqual({ items: [], nextCursor: null });
});

test('threat 32: only a guest’s token is merged, and only by an account', async () => {
  const [guest, other] = [await newGuest(api, host), await newGuest(api, host)];
  const asGuest = guest.api.auth.guests.merge({ guestToken: other.accessToken });
  expect(await problemOf(asGuest)).toMatchObject({ status: 403, code: 'forbidden' });
  const victim = await api.member();
  const { accessToken } = await newAccount();
  for (const guestToken of [accessToken, guest.refreshToken, 'nonsense', `${guest.accessToken}x`]) {
    const problem = await problemOf(victim.api.auth.guests.merge({ guestToken }));
    expect(problem).toMatchObject({ status: 400, code: 'invalid_input' });
  }
});

async function newAccount(): Promise<{ accessToken: string }> {
  const email = `${crypto.randomUUID()}@example.com`;
  return host.api.auth.register({ email, password: 'correct horse battery' });
}

test('what is under way goes on in its new team: what runs, what waits, and what they call', async () => {
  const owner = await api.member();
  const guest = await newGuest(api, host);
  const callee = await publish(guest, answering('called'));
  const spin = 'for (let i = 0; i < 12_000_000; i += 1); return input.n';
  const running = await guest.api.workflows.create({
    name: 'Runs',
    definition: chain(
      { id: 'spin', type: 'code', params: { code: spin } },
      { id: 'call', type: 'workflow.call', params: { workflowId: callee, input: null } },
    ),
  });
  const delayed = await guest.api.workflows.create({
    name: 'Waits',
    definition: chain(
      { id: 'wait', type: 'delay', params: { seconds: 2 } },
      { id: 'call', type: 'workflow.call', params: { workflowId: callee, input: null } },
    ),
  });
  const waits = await guest.api.workflows.execute({ id: delayed.id, draft: true });
  await expect
    .poll(async () => (await guest.api.executions.get({ id: waits.id })).status, { timeout: 10_000 })
    .toBe('waiting');
  const runs = await guest.api.workflows.execute({ id: running.id, draft: true, input: { n: 1 } });
  expect(runs.status).toBe('running');
  await merge(owner, guest);
  for (const { id } of [runs, waits]) {
    expect(await ended(owner, id)).toMatchObject({ status: 'completed', output: 'called', error: null });
    const { items } = await owner.api.executions.steps({ id });
    expect(items.map(({ nodeId, status }) => `${nodeId} ${status}`).sort()).toEqual(
      [`call completed`, `${id === runs.id ? 'spin' : 'wait'} completed`].sort(),
    );
  }
  const children = (await owner.api.executions.list({ workflowId: callee })).items;
  expect(children.map(({ status }) => status)).toEqual(['completed', 'completed']);
});

test('a merge that a worker and it keep from each other is tried again', async () => {
  const owner = await api.member();
  const guest = await newGuest(api, host);
  const definition = chain({ id: 'wait', type: 'delay', params: { seconds: 3_600 } });
  const { id } = await guest.api.workflows.create({ name: 'Waits', definition });
  const [first, second] = [
    await guest.api.workflows.execute({ id, draft: true }),
    await guest.api.workflows.execute({ id, draft: true }),
  ];
  const held = async () => {
    const { rows } = await sql`
      select from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database() and query like '%order by id for update%'`.execute(
      api.database.db,
    );
    return rows.length;
  };
  let merging: ReturnType<typeof merge> | undefined;
  await api.database.db.transaction().execute(async (tx) => {
    // The merge is to be the one that is given up.
    await sql`set local deadlock_timeout = '60s'`.execute(tx);
    const take = (executionId: string) => sql`select from executions where id = ${executionId} for update`.execute(tx);
    await take(second.id);
    merging = merge(owner, guest);
    await expect.poll(held, { timeout: 10_000 }).toBe(1);
    await take(first.id);
  });
  expect(await merging).toMatchObject({ workflows: 1, executions: 2 });
  expect((await owner.api.executions.list({})).items).toHaveLength(2);
  await owner.api.workflows.stop({ id });
});

test('what was looked up as the guest’s before the merge is not started there after it', async () => {
  const owner = await api.member();
  const guest = await newGuest(api, host);
  const id = await publish(guest, answering(1));
  const found = await api.database.db
    .selectFrom('workflow_versions')
    .select('definition_hash')
    .where('workflow_id', '=', id)
    .executeTakeFirstOrThrow();
  await merge(owner, guest);
  const stale = { teamId: guest.team.id, workflowId: id, version: 1, definitionHash: found.definition_hash };
  expect(await startExecution(api.engine, { ...stale, trigger: 'webhook:hook', input: null })).toBeUndefined();
  expect((await owner.api.executions.list({})).items).toEqual([]);
});

test('where the team has a webhook on the same address, that answers until it is gone; the guest’s then', async () => {
  const owner = await api.member();
  const guest = await newGuest(api, host);
  const own = await publish(owner, { ...answering('own'), triggers: [hook('same'), { ...hook('a/:x'), id: 'param' }] });
  await sleep(2);
  const theirs = await publish(guest, {
    ...answering('guest’s'),
    triggers: [hook('same'), { ...hook('a/:y'), id: 'param' }, { ...hook('free'), id: 'free' }],
  });
  const { webhooks } = await merge(owner, guest);
  expect(webhooks.map(({ path, answers }) => [path.split('/').slice(3).join('/'), answers]).sort()).toEqual([
    ['a/:y', false],
    ['free', true],
    ['same', false],
  ]);
  const answer = async (path: string) => {
    const outcome = await callHook(owner.slug, path);
    return 'answer' in outcome ? outcome.answer.body : outcome;
  };
  expect(await Promise.all(['same', 'a/1', 'free'].map(answer))).toEqual(['own', 'own', 'guest’s']);
  await owner.api.workflows.unpublish({ id: own });
  expect(await Promise.all(['same', 'a/1'].map(answer))).toEqual(['guest’s', 'guest’s']);
  expect((await owner.api.workflows.get({ id: theirs })).publishedVersion).toBe(1);
});

test('where the team has an event of the same name, both are kept', async () => {
  const owner = await api.member();
  const guest = await newGuest(api, host);
  await owner.api.events.send({ event: 'e', id: 'same', data: { whose: 'own' } });
  await sql`
    insert into events (id, team_id, key, event, data, created_at)
    values (gen_random_uuid(), ${guest.team.id}, 'same', 'e', '{"whose":"guest"}', now())`.execute(api.database.db);
  await merge(owner, guest);
  expect(await owner.api.events.get({ id: 'same' })).toMatchObject({ data: { whose: 'own' } });
  expect((await owner.api.events.list({})).items).toHaveLength(2);
});

test('the same definition in both teams is one, and versions of both go on naming it', async () => {
  const owner = await api.member();
  const guest = await newGuest(api, host);
  const ids = [await publish(owner, answering('same')), await publish(guest, answering('same'))];
  await merge(owner, guest);
  for (const id of ids) {
    expect(await owner.api.workflows.execute({ id, wait: 10 })).toMatchObject({ output: 'same' });
    expect((await owner.api.workflows.versions({ id })).items).toHaveLength(1);
  }
});
