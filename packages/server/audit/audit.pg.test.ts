import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '@flowplane/contract/audit';
import { auditListInput } from '@flowplane/contract/audit';
import { roles } from '@flowplane/contract/permissions';
import { newId } from '@flowplane/db/id';
import { operationsOf } from '@flowplane/rest/operations';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appRouter } from '../api.ts';
import type { Context, Principal } from '../context.ts';
import { answering, call, problemOf, testApi } from '../test-api.ts';
import { auditQuery } from './list.ts';
import { pruneAudit } from './retention.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const input = { name: 'Audited', definition: answering(1) };

async function latest(who = ann): Promise<AuditEvent> {
  const { items } = await who.api.audit.list({ limit: 1 });
  return items[0] ?? expect.fail('there is no event');
}

async function countOf(who = ann): Promise<number> {
  const rows = api.database.db.selectFrom('audit_events').select('id').where('team_id', '=', who.principal.teamId);
  return (await rows.execute()).length;
}

function keyed(key: string): Context {
  const context = ann.as(ann.principal);
  return { ...context, request: { ...context.request, idempotencyKey: key } };
}

/** A fresh caller, whom nothing was refused yet. */
async function stranger() {
  return api.member();
}

test('a change has a row that says who did what to what, from where and by which request', async () => {
  const context = ann.as(ann.principal);
  const made = Object(await call(context, 'workflows.create', input));
  const { email } = (await ann.api.users.me()).user;
  const session = (await ann.api.auth.sessions.list({})).items.find(({ current }) => current);
  expect(await latest()).toEqual({
    id: expect.any(String),
    createdAt: expect.any(Date),
    action: 'workflows.create',
    outcome: 'done',
    code: null,
    resourceType: 'workflow',
    resourceId: made.id,
    userId: ann.principal.userId,
    email,
    principal: 'jwt',
    apiKeyId: null,
    apiKeyPrefix: null,
    sessionId: session?.id,
    details: { fields: ['name', 'description', 'definition'] },
    address: '203.0.113.0/24',
    userAgent: 'tests',
    requestId: context.request.id,
  });
});

test('what an API key does carries the key', async () => {
  const { id, prefix } = await ann.api.auth.apiKeys.create({ name: 'robot' });
  const robot: Principal = {
    ...ann.principal,
    kind: 'apiKey',
    sessionId: null,
    apiKey: { id, prefix, expiresAt: null, ownerTier: 'basic' },
  };
  await call(ann.as(robot), 'workflows.create', input);
  expect(await latest()).toMatchObject({ principal: 'apiKey', apiKeyId: id, apiKeyPrefix: prefix, sessionId: null });
});

test('a call that fails has no row, and one whose row cannot be written changes nothing', async () => {
  const before = await countOf();
  const definition = { nodes: [{ id: 'a', type: 'nope', params: {} }], edges: [], triggers: [] };
  const problem = await problemOf(call(ann.as(ann.principal), 'workflows.create', { name: 'x', definition }));
  expect(problem).toMatchObject({ code: 'invalid_workflow' });
  expect(await countOf()).toBe(before);

  const name = randomUUID();
  await sql`alter table audit_events add constraint broken check (request_id <> ${sql.lit(name)})`.execute(
    api.database.db,
  );
  const context = ann.as(ann.principal);
  const unwritable = { ...context, request: { ...context.request, id: name } };
  await expect(call(unwritable, 'workflows.create', { ...input, name })).rejects.toThrow();
  await sql`alter table audit_events drop constraint broken`.execute(api.database.db);
  const made = await api.database.db.selectFrom('workflows').select('id').where('name', '=', name).execute();
  expect(made).toEqual([]);
});

test('a repeated call with its Idempotency-Key has one row', async () => {
  const before = await countOf();
  const key = randomUUID();
  const made = await call(keyed(key), 'workflows.create', input);
  expect(await call(keyed(key), 'workflows.create', input)).toEqual(made);
  expect(await countOf()).toBe(before + 1);
});

test('what makes its own record has no row here, nor has what only reads', async () => {
  const { id } = await ann.api.workflows.create(input);
  const before = await countOf();
  await ann.api.workflows.execute({ id, draft: true, wait: 10 });
  await ann.api.workflows.validate({ definition: input.definition });
  await ann.api.events.send({ event: 'order.created' });
  await ann.api.workflows.get({ id });
  await ann.api.executions.list({ workflowId: id });
  await ann.api.audit.list({});
  expect(await countOf()).toBe(before);
});

/** Mutations that are not audited, and why. A new one is audited unless it is named here. */
const unaudited = {
  'workflows.execute': 'the execution is the record, and starting one must cost no more',
  'workflows.test': 'the execution is the record',
  'workflows.validate': 'changes nothing',
  'events.send': 'the event is the record, with what it started',
  'auth.github.login': 'only begins; its row comes when the browser is back',
  'auth.oidc.login': 'only begins; its row comes when the browser is back',
  'invitations.preview': 'changes nothing; its token is only too secret for an address',
  'users.identities.link': 'nothing is linked yet; its row comes when the browser is back',
};

test('every mutation for signed-in callers is audited, or named with a reason', () => {
  const mutations = operationsOf(appRouter).filter(({ type }) => type === 'mutation');
  const without = mutations.filter(({ meta }) => 'audit' in meta && meta.audit === false);
  expect(without.map(({ procedure }) => procedure).sort()).toEqual(Object.keys(unaudited).sort());
  expect(mutations.length).toBeGreaterThan(30);
});

test('threat 1: what is not found and what is forbidden is recorded as refused to the caller, reads too', async () => {
  const eve = await stranger();
  const { id } = await ann.api.workflows.create(input);
  const before = await countOf();
  for (const name of ['workflows.get', 'workflows.delete', 'workflows.execute', 'workflows.logs']) {
    expect(await problemOf(call(eve.as(eve.principal), name, { id }))).toMatchObject({ code: 'not_found' });
    expect(await latest(eve), name).toMatchObject({
      action: name,
      outcome: 'refused',
      code: 'not_found',
      resourceType: 'workflow',
      resourceId: id,
      userId: eve.principal.userId,
      details: {},
    });
  }
  const reader: Principal = { ...eve.principal, role: 'readonly', permissions: new Set(roles.readonly) };
  expect(await problemOf(call(eve.as(reader), 'workflows.update', { id, name: 'x' }))).toMatchObject({ status: 403 });
  expect(await latest(eve)).toMatchObject({ action: 'workflows.update', code: 'forbidden', resourceId: id });
  expect(await countOf()).toBe(before);
});

test('threat 1: what was sent in place of an id is not recorded', async () => {
  const eve = await stranger();
  const reader: Principal = { ...eve.principal, permissions: new Set() };
  await problemOf(call(eve.as(reader), 'auth.apiKeys.revoke', { id: 'fp_live_a-secret', fp_live_more: 1 }));
  expect(await latest(eve)).toMatchObject({ code: 'forbidden', resourceType: 'apiKey', resourceId: null, details: {} });
});

test('threat 1: who guesses ids has 20 rows in a minute, and one that says that there was more', async () => {
  const eve = await stranger();
  const before = await countOf(eve);
  for (let n = 0; n < 30; n += 1) await problemOf(call(eve.as(eve.principal), 'workflows.get', { id: randomUUID() }));
  expect(await countOf(eve)).toBe(before + 21);
  const { items } = await eve.api.audit.list({ outcome: 'refused', limit: 100 });
  expect(items.map(({ details }) => details.further)).toEqual(['not recorded', ...Array(20).fill(undefined)]);
  const bob = await stranger();
  await problemOf(call(bob.as(bob.principal), 'workflows.get', { id: randomUUID() }));
  expect(await latest(bob)).toMatchObject({ code: 'not_found' });
});

test('what is refused to a caller again and again in a minute has one row', async () => {
  const eve = await stranger();
  const before = await countOf(eve);
  const id = randomUUID();
  for (let n = 0; n < 5; n += 1) await problemOf(call(eve.as(eve.principal), 'workflows.get', { id }));
  expect(await countOf(eve)).toBe(before + 1);
  await problemOf(call(eve.as(eve.principal), 'workflows.delete', { id }));
  expect(await countOf(eve)).toBe(before + 2);
});

test('an event can be neither changed nor deleted, until it is 30 days old', async () => {
  await ann.api.workflows.create(input);
  const { pool } = api.database;
  await expect(pool.query(`update audit_events set email = 'nobody@example.com'`)).rejects.toThrow('cannot be changed');
  await expect(pool.query('truncate audit_events')).rejects.toThrow('cannot be changed');
  await expect(pool.query('delete from audit_events')).rejects.toThrow('cannot be deleted');
  const old = await pool.query(
    `insert into audit_events (id, team_id, principal, action, outcome, details, created_at)
     values ($1, $1, 'none', 'auth.login', 'refused', '{}', now() - interval '31 days') returning id`,
    [newId()],
  );
  expect((await pool.query('delete from audit_events where id = $1', [old.rows[0].id])).rowCount).toBe(1);
});

test('the list is narrowed by each filter, and goes on after its cursor', async () => {
  const bob = await stranger();
  const one = await bob.api.workflows.create(input);
  await bob.api.workflows.update({ id: one.id, name: 'Two' });
  await bob.api.auth.apiKeys.create({ name: 'robot' });
  const middle = (await latest(bob)).createdAt;
  await problemOf(call(bob.as(bob.principal), 'executions.get', { id: randomUUID() }));
  const actions = async (filter: Parameters<typeof bob.api.audit.list>[0]) =>
    (await bob.api.audit.list(filter)).items.map(({ action }) => action);

  expect(await actions({})).toEqual([
    'executions.get',
    'auth.apiKeys.create',
    'workflows.update',
    'workflows.create',
    'auth.register',
  ]);
  expect(await actions({ action: 'workflows.update' })).toEqual(['workflows.update']);
  expect(await actions({ resourceType: 'workflow' })).toEqual(['workflows.update', 'workflows.create']);
  expect(await actions({ resourceId: one.id })).toEqual(['workflows.update', 'workflows.create']);
  expect(await actions({ outcome: 'refused' })).toEqual(['executions.get']);
  expect(await actions({ userId: bob.principal.userId, outcome: 'done' })).toHaveLength(4);
  expect(await actions({ userId: ann.principal.userId })).toEqual([]);
  expect(await actions({ from: middle })).toEqual(['executions.get', 'auth.apiKeys.create']);
  expect(await actions({ to: middle })).toEqual(['workflows.update', 'workflows.create', 'auth.register']);

  const seen: string[] = [];
  for (let cursor: string | undefined, left = true; left; left = cursor !== undefined) {
    const page = await bob.api.audit.list({ limit: 2, cursor });
    seen.push(...page.items.map(({ action }) => action));
    cursor = page.nextCursor ?? undefined;
  }
  expect(seen).toEqual(await actions({}));
});

test('only an admin reads it: it is in none of the other built-in roles', async () => {
  for (const [name, list] of Object.entries(roles)) {
    expect([name, list.some((permission) => permission === 'audit:read')]).toEqual([name, name === 'admin']);
  }
});

test('threat 58: every list and filter of a long log follows an index, and sorts nothing', async () => {
  const teamId = randomUUID();
  await sql`
    insert into audit_events (id, team_id, user_id, principal, action, resource_type, resource_id, outcome, details)
    select ('0198c5a2-7b1e-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ${teamId}::uuid, md5((n % 50)::text)::uuid, 'jwt',
      'workflows.a' || n % 30, 'type' || n % 10, (n % 5000)::text, case n % 100 when 0 then 'refused' else 'done' end, '{}'
    from generate_series(1, 30000) n`.execute(api.database.db);
  await sql`analyze audit_events`.execute(api.database.db);
  const time = new Date(0x0198c5a27b1e);
  const filters = {
    audit_events_pkey: [{}, { outcome: 'done' }, { from: time, to: time }, { cursor: 'AZjFonsecACAAAAAAAAnEA' }],
    audit_events_user_id: [{ userId: '00000000-0000-4000-8000-000000000000' }],
    audit_events_action: [{ action: 'workflows.never' }],
    audit_events_resource_type: [{ resourceType: 'never' }],
    audit_events_resource_id: [{ resourceId: '17' }, { resourceType: 'type7', resourceId: '17' }],
    audit_events_refused: [{ outcome: 'refused' }],
  };
  for (const [index, list] of Object.entries(filters)) {
    for (const filter of list) {
      const query = auditQuery({ db: api.database.db, teamId }, auditListInput.parse(filter));
      const plan = JSON.stringify(await query.explain('json'));
      const what = `${JSON.stringify(filter)}: ${plan}`;
      expect(plan, what).toContain(`"Index Name":"${index}"`);
      expect(plan, what).not.toMatch(/Seq Scan|Sort|Bitmap/);
    }
  }
});

test('events are deleted when they are older than they are kept, the oldest first, and younger ones never', async () => {
  const { db } = api.database;
  const teamId = randomUUID();
  const days = [29, 31, 60, 90, 400];
  await sql`
    insert into audit_events (id, team_id, principal, action, outcome, details, created_at)
    select gen_random_uuid(), ${teamId}::uuid, 'none', 'auth.login', 'done', '{}', now() - make_interval(days => n)
    from unnest(${days}::int[]) n`.execute(db);
  const left = async () => {
    const age = sql<number>`(now()::date - created_at::date)`.as('age');
    const rows = await db.selectFrom('audit_events').select(age).where('team_id', '=', teamId).execute();
    return rows.map((row) => row.age).sort((a, b) => a - b);
  };
  expect(await pruneAudit(db, { days: 70, most: 1 })).toBe(1);
  expect(await left()).toEqual([29, 31, 60, 90]);
  expect(await pruneAudit(db, { days: 70, most: 1_000 })).toBe(1);
  expect(await left()).toEqual([29, 31, 60]);
  await expect(pruneAudit(db, { days: 7, most: 1_000 })).rejects.toThrow('younger than 30 days');
  expect(await left()).toEqual([29, 31, 60]);
});
