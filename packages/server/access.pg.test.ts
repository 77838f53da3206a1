import { randomUUID } from 'node:crypto';
import { isPermission, type Permission, permissions, roles } from '@flowplane/contract/permissions';
import { everybodys } from '@flowplane/contract/role';
import { newId } from '@flowplane/db/id';
import { inputShape } from '@flowplane/rest/input-shape';
import { type Operation, operationsOf } from '@flowplane/rest/operations';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { appRouter } from './api.ts';
import { inNamedTeam } from './auth/chosen-team.ts';
import type { Principal } from './context.ts';
import { answering, call, chain, problemOf, testApi } from './test-api.ts';

const operations = operationsOf(appRouter);
const guarded = operations.flatMap((operation) => {
  const { permission = '' } = operation.meta;
  return isPermission(permission) ? [{ name: operation.procedure, permission, operation }] : [];
});

/** An id within a team, which is not looked for before it is clear that the caller is in it. */
const somebody = '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f';

/** Which resource the id of a procedure is of, and what else a valid call needs. A new procedure with an id belongs here. */
const idOf: Record<
  string,
  {
    of:
      | 'workflow'
      | 'execution'
      | 'approval'
      | 'apiKey'
      | 'credential'
      | 'session'
      | 'schedule'
      | 'event'
      | 'team'
      | 'identity';
    more?: object;
  }
> = {
  'workflows.get': { of: 'workflow' },
  'workflows.update': { of: 'workflow', more: { name: 'Stolen' } },
  'workflows.replace': { of: 'workflow', more: { name: 'Stolen', definition: answering('stolen') } },
  'workflows.delete': { of: 'workflow' },
  'workflows.publish': { of: 'workflow' },
  'workflows.unpublish': { of: 'workflow' },
  'workflows.rollback': { of: 'workflow', more: { version: 1 } },
  'workflows.versions': { of: 'workflow' },
  'workflows.version': { of: 'workflow', more: { version: 1 } },
  'workflows.diff': { of: 'workflow', more: { from: 'draft' } },
  'workflows.export': { of: 'workflow' },
  'workflows.test': { of: 'workflow' },
  'workflows.execute': { of: 'workflow', more: { draft: true } },
  'workflows.stop': { of: 'workflow' },
  'workflows.status': { of: 'workflow' },
  'workflows.logs': { of: 'workflow' },
  'executions.get': { of: 'execution' },
  'executions.cancel': { of: 'execution' },
  'executions.restart': { of: 'execution' },
  'approvals.get': { of: 'approval' },
  'approvals.decide': { of: 'approval', more: { approved: true } },
  'executions.steps': { of: 'execution' },
  'executions.logs': { of: 'execution' },
  'executions.events': { of: 'execution' },
  'auth.apiKeys.revoke': { of: 'apiKey' },
  'auth.apiKeys.rotate': { of: 'apiKey' },
  'auth.sessions.revoke': { of: 'session' },
  'users.identities.unlink': { of: 'identity' },
  'schedules.ofWorkflow': { of: 'workflow' },
  'schedules.get': { of: 'schedule' },
  'schedules.pause': { of: 'schedule' },
  'schedules.resume': { of: 'schedule' },
  'events.get': { of: 'event' },
  'teams.get': { of: 'team' },
  'teams.update': { of: 'team', more: { name: 'Stolen' } },
  'teams.delete': { of: 'team', more: { force: true } },
  'teams.leave': { of: 'team' },
  'teams.transfer': { of: 'team', more: { userId: somebody } },
  'teams.members.list': { of: 'team' },
  'teams.members.update': { of: 'team', more: { userId: somebody, role: 'user' } },
  'teams.members.remove': { of: 'team', more: { userId: somebody } },
  'teams.invitations.list': { of: 'team' },
  'teams.invitations.create': { of: 'team', more: { email: 'eve@example.com' } },
  'teams.invitations.resend': { of: 'team', more: { invitationId: somebody } },
  'teams.invitations.revoke': { of: 'team', more: { invitationId: somebody } },
  'teams.roles.list': { of: 'team' },
  'teams.roles.get': { of: 'team', more: { role: 'admin' } },
  'teams.roles.create': { of: 'team', more: { name: 'stolen', permissions: [] } },
  'teams.roles.update': { of: 'team', more: { role: 'own', permissions: [] } },
  'teams.roles.delete': { of: 'team', more: { role: 'own' } },
  'credentials.get': { of: 'credential' },
  'credentials.update': { of: 'credential', more: { name: 'Stolen' } },
  'credentials.replace': { of: 'credential', more: { name: 'Stolen', allowedHosts: ['api.example.com'] } },
  'credentials.delete': { of: 'credential' },
  'credentials.test': { of: 'credential', more: { url: 'https://api.example.com/' } },
};

/** Lists and calls for many narrowed by an id of something else, which find nothing for a foreign one. */
const narrowed = [
  'executions.list workflowId',
  'executions.redrive workflowId',
  'executions.cancelMany workflowId',
  'approvals.list workflowId',
  'approvals.list executionId',
  'audit.list resourceId',
  'audit.list userId',
];

/** Ids of something within the team that `id` names. */
const nested = [
  'teams.transfer userId',
  'teams.members.update userId',
  'teams.members.remove userId',
  'teams.invitations.resend invitationId',
  'teams.invitations.revoke invitationId',
];

/** Where the id is the caller's own, for something new. */
const chosen = ['events.send id'];

/** What a valid call of a procedure without an id needs. */
const needs: Record<string, object> = {
  'schedules.preview': { cron: '0 3 * * *' },
  'users.identities.link': { provider: 'github' },
};

/** Lists that are a person’s, not a team’s, and never empty: whoever asks is signed in. */
const personal = ['auth.sessions.list', 'teams.list'];

/** Lists of what the installation has, the same for every team. */
const shared = ['nodeTypes.list'];

/** Lists that are never empty: the log of a team begins with its first member. */
const begun = ['audit.list'];

function idFields(operation: Operation): string[] {
  const names = [...(inputShape(operation.inputs)?.fields.keys() ?? [])];
  // The id of an event means nothing without its stream's.
  return names.filter((name) => /^id$|Ids?$/.test(name) && name !== 'lastEventId');
}

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
let eve: Awaited<ReturnType<typeof api.member>>;
const own = {
  workflow: '',
  execution: '',
  approval: '',
  apiKey: '',
  credential: '',
  session: '',
  schedule: '',
  event: '',
  identity: '',
  team: '',
  invitation: '',
};

beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
  eve = await api.member();
  own.workflow = (await ann.api.workflows.create({ name: 'Ann’s', definition: answering(1) })).id;
  await ann.api.workflows.publish({ id: own.workflow });
  own.execution = (await ann.api.workflows.execute({ id: own.workflow, draft: true, wait: 10 })).id;
  const values = { token: 'a-token' };
  const allowedHosts = ['api.example.com'];
  own.credential = (await ann.api.credentials.create({ name: 'Ann’s', kind: 'bearer', values, allowedHosts })).id;
  own.apiKey = (await ann.api.auth.apiKeys.create({ name: 'Ann’s' })).id;
  own.session = (await ann.api.auth.sessions.list({})).items[0]?.id ?? '';
  const triggers = [{ id: 'yearly', type: 'schedule' as const, cron: '@yearly' }];
  const scheduled = { name: 'Ann’s', definition: { ...answering(1), triggers } };
  await ann.api.workflows.publish({ id: (await ann.api.workflows.create(scheduled)).id });
  own.schedule = (await ann.api.schedules.list({})).items[0]?.id ?? '';
  const asking = chain({ id: 'ask', type: 'approval', params: { title: 'Sure?' } });
  const { id: askingId } = await ann.api.workflows.create({ name: 'Ann’s', definition: asking });
  await ann.api.workflows.execute({ id: askingId, draft: true });
  own.approval = await vi.waitFor(async () => {
    const { items } = await ann.api.approvals.list({});
    return items[0]?.id ?? expect.fail('the execution does not ask yet');
  }, 10_000);
  own.event = (await ann.api.events.send({ event: 'order.created' })).id;
  own.team = ann.principal.teamId;
  own.identity = newId();
  await api.database.db
    .insertInto('identities')
    .values({
      id: own.identity,
      user_id: ann.principal.userId,
      provider: 'github',
      issuer: 'https://github.com',
      subject: '1',
    })
    .execute();
  own.invitation = (await ann.api.teams.invitations.create({ id: own.team, email: 'invited@example.com' })).id;
  await ann.api.teams.roles.create({ id: own.team, name: 'own', permissions: [] });
});
afterAll(() => api[Symbol.asyncDispose]());

async function everythingOfAnn(): Promise<unknown> {
  const [workflow, execution, executions, steps, keys, sessions, me, credential, schedule, events, approvals] =
    await Promise.all([
      ann.api.workflows.get({ id: own.workflow }),
      ann.api.executions.get({ id: own.execution }),
      ann.api.executions.list({}),
      ann.api.executions.steps({ id: own.execution }),
      ann.api.auth.apiKeys.list({}),
      ann.api.auth.sessions.list({}),
      ann.api.users.me(),
      ann.api.credentials.get({ id: own.credential }),
      ann.api.schedules.get({ id: own.schedule }),
      ann.api.events.list({}),
      ann.api.approvals.list({}),
    ]);
  const team = await everythingOfTeam();
  const identities = await ann.api.users.identities.list({});
  return {
    workflow,
    execution,
    executions,
    steps,
    keys,
    sessions,
    me,
    credential,
    schedule,
    events,
    approvals,
    team,
    identities,
  };
}

async function everythingOfTeam(): Promise<unknown> {
  const { teams } = ann.api;
  const id = own.team;
  return Promise.all([
    teams.get({ id }),
    teams.members.list({ id }),
    teams.invitations.list({ id }),
    teams.roles.list({ id }),
  ]);
}

test('threat 1: every procedure that takes an id is in the matrix', () => {
  const found = operations.flatMap((operation) =>
    idFields(operation).map((field) => `${operation.procedure} ${field}`),
  );
  expect(found.sort()).toEqual(
    [...Object.keys(idOf).map((name) => `${name} id`), ...narrowed, ...nested, ...chosen].sort(),
  );
});

test.each(Object.entries(idOf))(
  'threat 1: %s: another team’s id is answered like one that does not exist, and nothing changes',
  async (name, entry) => {
    const before = await everythingOfAnn();
    const id = own[entry.of];
    const nowhere = randomUUID();
    api.auth.refusals.clear();
    const foreign = await problemOf(call(eve.as(eve.principal), name, { ...entry.more, id }));
    const missing = await problemOf(call(eve.as(eve.principal), name, { ...entry.more, id: nowhere }));
    expect(foreign).toMatchObject({ status: 404, code: 'not_found' });
    expect(JSON.stringify(foreign).replaceAll(id, 'ID')).toBe(JSON.stringify(missing).replaceAll(nowhere, 'ID'));
    expect(await everythingOfAnn()).toEqual(before);
    const { items } = await eve.api.audit.list({ action: name, outcome: 'refused', limit: 2 });
    expect(items.map(({ code, resourceId }) => `${code} ${resourceId}`)).toEqual([
      `not_found ${nowhere}`,
      `not_found ${id}`,
    ]);
  },
);

test('threat 1: a list of one’s own has nothing of anybody else’s', async () => {
  const { items } = await eve.api.auth.sessions.list({});
  expect(items.map(({ current }) => current)).toEqual([true]);
  expect(items.map(({ id }) => id)).not.toContain(own.session);
});

test('threat 1: lists have no rows of another team, whatever they are narrowed by', async () => {
  for (const { operation, name } of guarded.filter(
    ({ name }) => name.endsWith('.list') && !idOf[name] && ![...personal, ...shared, ...begun].includes(name),
  )) {
    const input = idFields(operation).includes('workflowId') ? { workflowId: own.workflow } : {};
    expect(await call(eve.as(eve.principal), name, input), name).toEqual({ items: [], nextCursor: null });
    expect(await call(eve.as(eve.principal), name, {}), name).toEqual({ items: [], nextCursor: null });
  }
});

test.each(guarded)('$name: nobody is told to sign in, whatever is sent', async ({ name }) => {
  for (const input of [undefined, {}, { id: own.workflow }, { id: 5 }]) {
    expect(await problemOf(call(ann.as(undefined), name, input))).toMatchObject({
      status: 401,
      code: 'unauthenticated',
    });
  }
});

function allowed(but: Permission): Principal {
  return { ...ann.principal, kind: 'apiKey', permissions: new Set(permissions.filter((one) => one !== but)) };
}

test.each(guarded)(
  '$name: a key without $permission is refused before its input is looked at',
  async ({ name, permission }) => {
    const before = await everythingOfAnn();
    const entry = idOf[name];
    for (const input of [entry && { ...entry.more, id: own[entry.of] }, { id: 5 }]) {
      const problem = await problemOf(call(ann.as(allowed(permission)), name, input));
      expect(problem).toMatchObject({ status: 403, code: 'forbidden' });
      expect(problem.detail).toContain(permission);
    }
    expect(await everythingOfAnn()).toEqual(before);
  },
);

test('a readonly member reads everything and changes nothing', async () => {
  const reader: Principal = { ...ann.principal, role: 'readonly', permissions: new Set(roles.readonly) };
  const before = await everythingOfAnn();
  for (const { name, operation, permission } of guarded) {
    const entry = idOf[name];
    const answer = call(
      ann.as(reader),
      name,
      entry ? { ...entry.more, id: own[entry.of] } : operation.inputs.length > 0 ? (needs[name] ?? {}) : undefined,
    );
    if (reader.permissions.has(permission)) await answer;
    else expect(await problemOf(answer), name).toMatchObject({ status: 403, code: 'forbidden' });
  }
  expect(await everythingOfAnn()).toEqual(before);
});

test('threat 2: what is within another team is, from within one’s own, like what does not exist', async () => {
  const before = await everythingOfAnn();
  const id = eve.principal.teamId;
  const { userId } = ann.principal;
  const attempts: [name: string, foreign: object, missing: object][] = [
    ['teams.transfer', { userId }, { userId: somebody }],
    ['teams.members.update', { userId, role: 'user' }, { userId: somebody, role: 'user' }],
    ['teams.members.remove', { userId }, { userId: somebody }],
    ['teams.invitations.resend', { invitationId: own.invitation }, { invitationId: somebody }],
    ['teams.invitations.revoke', { invitationId: own.invitation }, { invitationId: somebody }],
    ['teams.roles.get', { role: 'own' }, { role: 'none' }],
    ['teams.roles.update', { role: 'own', permissions: [] }, { role: 'none', permissions: [] }],
    ['teams.roles.delete', { role: 'own' }, { role: 'none' }],
  ];
  for (const [name, foreign, missing] of attempts) {
    const answers = [foreign, missing].map((more) => problemOf(call(eve.as(eve.principal), name, { id, ...more })));
    const [one, other] = await Promise.all(answers);
    expect(one, name).toMatchObject({ status: 404, code: 'not_found' });
    const plain = (problem: unknown) =>
      JSON.stringify(problem).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|role (own|none)/g, 'IT');
    expect(plain(one), name).toBe(plain(other));
  }
  expect(await everythingOfAnn()).toEqual(before);
});

test('threat 1: a role that a team has defined lets its holders do what it says, and nothing else', async () => {
  const bob = await api.member();
  const id = own.team;
  await ann.api.teams.roles.create({ id, name: 'all-but', permissions: [] });
  const { db } = api.database;
  const role = await db.selectFrom('team_roles').select('id').where('name', '=', 'all-but').executeTakeFirstOrThrow();
  const member = { team_id: id, user_id: bob.principal.userId, role: null, role_id: role.id };
  await db.insertInto('memberships').values(member).execute();
  const always: readonly string[] = everybodys;
  const before = await everythingOfAnn();
  for (const but of permissions.filter((permission) => !always.includes(permission))) {
    await db
      .updateTable('team_roles')
      .set({ permissions: permissions.filter((permission) => permission !== but) })
      .where('id', '=', role.id)
      .execute();
    api.auth.memberships.clear();
    const holder = await inNamedTeam(api.auth, bob.principal, id);
    expect(holder.permissions.size, but).toBe(permissions.length - 1);
    for (const { name } of guarded.filter(({ permission }) => permission === but)) {
      const entry = idOf[name];
      const refused = problemOf(call(bob.as(holder), name, entry ? { ...entry.more, id: own[entry.of] } : needs[name]));
      expect(await refused, name).toMatchObject({ status: 403, code: 'forbidden' });
    }
  }
  await db.updateTable('team_roles').set({ permissions: [] }).where('id', '=', role.id).execute();
  expect(await everythingOfAnn()).toEqual(before);
});
