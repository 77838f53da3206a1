import { randomUUID } from 'node:crypto';
import { isPermission, type Permission, permissions, roles } from '@flowplane/contract/permissions';
import { inputShape } from '@flowplane/rest/input-shape';
import { type Operation, operationsOf } from '@flowplane/rest/operations';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { appRouter } from './api.ts';
import type { Principal } from './context.ts';
import { answering, call, chain, problemOf, testApi } from './test-api.ts';

const operations = operationsOf(appRouter);
const guarded = operations.flatMap((operation) => {
  const { permission = '' } = operation.meta;
  return isPermission(permission) ? [{ name: operation.procedure, permission, operation }] : [];
});

/** Which resource the id of a procedure is of, and what else a valid call needs. A new procedure with an id belongs here. */
const idOf: Record<
  string,
  {
    of: 'workflow' | 'execution' | 'approval' | 'apiKey' | 'credential' | 'session' | 'schedule' | 'event';
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
  'schedules.ofWorkflow': { of: 'workflow' },
  'schedules.get': { of: 'schedule' },
  'schedules.pause': { of: 'schedule' },
  'schedules.resume': { of: 'schedule' },
  'events.get': { of: 'event' },
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
];

/** Where the id is the caller's own, for something new. */
const chosen = ['events.send id'];

/** What a valid call of a procedure without an id needs. */
const needs: Record<string, object> = { 'schedules.preview': { cron: '0 3 * * *' } };

/** Lists that are a person’s, not a team’s, and never empty: whoever asks is signed in. */
const personal = ['auth.sessions.list'];

/** Lists of what the installation has, the same for every team. */
const shared = ['nodeTypes.list'];

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
  return { workflow, execution, executions, steps, keys, sessions, me, credential, schedule, events, approvals };
}

test('every procedure that takes an id is in the matrix', () => {
  const found = operations.flatMap((operation) =>
    idFields(operation).map((field) => `${operation.procedure} ${field}`),
  );
  expect(found.sort()).toEqual([...Object.keys(idOf).map((name) => `${name} id`), ...narrowed, ...chosen].sort());
});

test.each(Object.entries(idOf))(
  '%s: another team’s id is answered like one that does not exist, and nothing changes',
  async (name, entry) => {
    const before = await everythingOfAnn();
    const id = own[entry.of];
    const nowhere = randomUUID();
    const foreign = await problemOf(call(eve.as(eve.principal), name, { ...entry.more, id }));
    const missing = await problemOf(call(eve.as(eve.principal), name, { ...entry.more, id: nowhere }));
    expect(foreign).toMatchObject({ status: 404, code: 'not_found' });
    expect(JSON.stringify(foreign).replaceAll(id, 'ID')).toBe(JSON.stringify(missing).replaceAll(nowhere, 'ID'));
    expect(await everythingOfAnn()).toEqual(before);
  },
);

test('a list of one’s own has nothing of anybody else’s', async () => {
  const { items } = await eve.api.auth.sessions.list({});
  expect(items.map(({ current }) => current)).toEqual([true]);
  expect(items.map(({ id }) => id)).not.toContain(own.session);
});

test('lists have no rows of another team, whatever they are narrowed by', async () => {
  for (const { operation, name } of guarded.filter(
    (entry) => entry.name.endsWith('.list') && ![...personal, ...shared].includes(entry.name),
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
  for (const { name, operation } of guarded) {
    const entry = idOf[name];
    const answer = call(
      ann.as(reader),
      name,
      entry ? { ...entry.more, id: own[entry.of] } : operation.inputs.length > 0 ? (needs[name] ?? {}) : undefined,
    );
    if (operation.type !== 'mutation') await answer;
    else expect(await problemOf(answer), name).toMatchObject({ status: 403, code: 'forbidden' });
  }
  expect(await everythingOfAnn()).toEqual(before);
});
