import { randomUUID } from 'node:crypto';
import { isPermission, type Permission, permissions, roles } from '@flowplane/contract/permissions';
import { inputShape } from '@flowplane/rest/input-shape';
import { type Operation, operationsOf } from '@flowplane/rest/operations';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appRouter } from './api.ts';
import type { Principal } from './context.ts';
import { answering, call, problemOf, testApi } from './test-api.ts';

const operations = operationsOf(appRouter);
const guarded = operations.flatMap((operation) => {
  const { permission = '' } = operation.meta;
  return isPermission(permission) ? [{ name: operation.procedure, permission, operation }] : [];
});

/** Which resource the id of a procedure is of, and what else a valid call needs. A new procedure with an id belongs here. */
const idOf: Record<string, { of: 'workflow' | 'execution' | 'apiKey'; more?: object }> = {
  'workflows.get': { of: 'workflow' },
  'workflows.update': { of: 'workflow', more: { name: 'Stolen' } },
  'workflows.replace': { of: 'workflow', more: { name: 'Stolen', definition: answering('stolen') } },
  'workflows.delete': { of: 'workflow' },
  'workflows.publish': { of: 'workflow' },
  'workflows.execute': { of: 'workflow', more: { draft: true } },
  'executions.get': { of: 'execution' },
  'executions.cancel': { of: 'execution' },
  'executions.steps': { of: 'execution' },
  'executions.logs': { of: 'execution' },
  'auth.apiKeys.revoke': { of: 'apiKey' },
};

/** Lists narrowed by an id of something else, which answer with an empty page for a foreign one. */
const narrowed = ['executions.list workflowId'];

function idFields(operation: Operation): string[] {
  const names = [...(inputShape(operation.inputs)?.fields.keys() ?? [])];
  return names.filter((name) => /^id$|Ids?$/.test(name));
}

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
let eve: Awaited<ReturnType<typeof api.member>>;
const own = { workflow: '', execution: '', apiKey: '' };

beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
  eve = await api.member();
  own.workflow = (await ann.api.workflows.create({ name: 'Ann’s', definition: answering(1) })).id;
  own.execution = (await ann.api.workflows.execute({ id: own.workflow, draft: true, wait: 10 })).id;
  own.apiKey = (await ann.api.auth.apiKeys.create({ name: 'Ann’s' })).id;
});
afterAll(() => api[Symbol.asyncDispose]());

async function everythingOfAnn(): Promise<unknown> {
  const [workflow, execution, executions, steps, keys] = await Promise.all([
    ann.api.workflows.get({ id: own.workflow }),
    ann.api.executions.get({ id: own.execution }),
    ann.api.executions.list({}),
    ann.api.executions.steps({ id: own.execution }),
    ann.api.auth.apiKeys.list({}),
  ]);
  return { workflow, execution, executions, steps, keys };
}

test('every procedure that takes an id is in the matrix', () => {
  const found = operations.flatMap((operation) =>
    idFields(operation).map((field) => `${operation.procedure} ${field}`),
  );
  expect(found.sort()).toEqual([...Object.keys(idOf).map((name) => `${name} id`), ...narrowed].sort());
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

test('lists have no rows of another team, whatever they are narrowed by', async () => {
  for (const { operation, name } of guarded.filter((entry) => entry.name.endsWith('.list'))) {
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
      entry ? { ...entry.more, id: own[entry.of] } : operation.inputs.length > 0 ? {} : undefined,
    );
    if (operation.type === 'query') await answer;
    else expect(await problemOf(answer), name).toMatchObject({ status: 403, code: 'forbidden' });
  }
  expect(await everythingOfAnn()).toEqual(before);
});
