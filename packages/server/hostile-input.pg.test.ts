import { inputShape } from '@flowplane/rest/input-shape';
import { operationsOf } from '@flowplane/rest/operations';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appRouter } from './api.ts';
import { answering, call, chain, problemOf, testApi } from './test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
let workflowId: string;
let executionId: string;
let credentialId: string;
let teamId: string;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
  workflowId = (await ann.api.workflows.create({ name: 'Echo', definition: answering('{{ input }}') })).id;
  executionId = (await ann.api.workflows.execute({ id: workflowId, draft: true, wait: 10 })).id;
  teamId = (await ann.api.teams.create({ name: 'Second' })).id;
  const values = { token: 'a-token' };
  const allowedHosts = ['127.0.0.1:1'];
  credentialId = (await ann.api.credentials.create({ name: 'b', kind: 'bearer', values, allowedHosts })).id;
});
afterAll(() => api[Symbol.asyncDispose]());

function bomb(depth: number): unknown {
  return JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
}

const hostile: [string, unknown][] = [
  ['NUL', 'a\0b'],
  ['half of a surrogate pair', 'a\ud800'],
  ['the other half', '\udc00a'],
  ['a bomb', bomb(100_000)],
  ['an endless number', JSON.parse('1e99999')],
  ['__proto__', JSON.parse('{"__proto__": {"polluted": true}}')],
  ['constructor.prototype', { constructor: { prototype: { polluted: true } } }],
  ['a long text', 'x'.repeat(2_000_000)],
  ['quotes of SQL', `'"; drop table users; -- $$ \\' || {"a":1} %_ ::text`],
  ['a path', '../../../../etc/passwd'],
  ['an array', ['a']],
  ['null', null],
  ['a regular expression', /a/],
  ['a map', new Map([['a', 1]])],
  ['an error', new Error('a')],
  ['a date', new Date(0)],
  ['a bigint', 10n],
  ['a URL', new URL('http://a/')],
];

/** Valid inputs to put hostile values into. */
function valid(): Record<string, Record<string, unknown>> {
  const email = `${Math.random().toString(36).slice(2)}@example.com`;
  return {
    'auth.register': { email, password: 'long enough, surely', name: 'Name' },
    'auth.login': { email, password: 'long enough, surely' },
    'auth.refresh': { refreshToken: 'a' },
    'auth.email.verify': { token: 'a' },
    'auth.password.forgot': { email },
    'auth.password.reset': { token: 'a', password: 'long enough, surely' },
    'auth.apiKeys.rotate': { overlapSeconds: 1 },
    'auth.apiKeys.import': { keys: [{ name: 'Name', hash: 'a'.repeat(64), prefix: 'a' }] },
    'users.updateMe': { name: 'Name' },
    'users.changePassword': { currentPassword: 'not this one', newPassword: 'long enough, surely' },
    'auth.apiKeys.create': { name: 'Name', scopes: ['workflows:read'], expiresAt: new Date(Date.now() + 1e8) },
    'workflows.create': { name: 'Name', description: '', definition: answering(1) },
    'workflows.update': { id: workflowId, description: '' },
    'workflows.replace': { id: workflowId, name: 'Echo', definition: answering('{{ input }}') },
    'workflows.execute': { id: workflowId, draft: true, input: 1 },
    'workflows.rollback': { id: workflowId, version: 1 },
    'workflows.version': { id: workflowId, version: 1 },
    'workflows.diff': { id: workflowId, from: 'draft', to: 'draft' },
    'workflows.validate': { definition: answering(1) },
    'workflows.test': { id: workflowId, definition: answering('{{ input }}'), wait: 10 },
    'workflows.import': {
      format: 'flowplane/workflow@1',
      name: 'Name',
      description: '',
      definition: answering(1),
      credentials: [],
      mapping: {},
    },
    'executions.restart': { id: executionId },
    'executions.redrive': { status: 'cancelled' },
    'executions.cancelMany': { trigger: 'none' },
    'approvals.decide': { id: workflowId, approved: true },
    'schedules.preview': { cron: '0 3 * * *', timezone: 'Europe/Paris' },
    'events.send': { event: 'order.created', data: 1 },
    'credentials.create': {
      name: 'Name',
      kind: 'bearer',
      values: { token: 'a-token' },
      allowedHosts: ['api.example.com'],
    },
    'credentials.update': { id: credentialId, values: { token: 'a-token' } },
    'credentials.replace': { id: credentialId, name: 'Name', values: { token: 'a' }, allowedHosts: ['127.0.0.1:1'] },
    'credentials.test': { id: credentialId, url: 'http://127.0.0.1:1/' },
  };
}

const fields = operationsOf(appRouter).flatMap(({ procedure, inputs }) =>
  [...(inputShape(inputs)?.fields.keys() ?? [])].map((field): [string, string] => [procedure, field]),
);

test.each(fields)('threats 6, 7 and 8: %s: no value of %s breaks the server', async (procedure, field) => {
  const statuses = new Set<number>();
  for (const [what, value] of hostile) {
    // A procedure on a team looks first whether the caller is in it.
    const id = procedure.startsWith('teams.') ? teamId : workflowId;
    const input = { id, ...valid()[procedure], [field]: value };
    if (!fields.some(([name, other]) => name === procedure && other === 'id')) Reflect.deleteProperty(input, 'id');
    const status = await call(ann.as(ann.principal), procedure, input).then(
      () => 200,
      async (error: unknown) => (await problemOf(Promise.reject(error))).status,
    );
    expect(status, `${procedure} ${field}: ${what}`).toBeLessThan(500);
    statuses.add(status);
  }
  expect(statuses).toContain(400);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});

test('texts that can be stored come back as they were sent', async () => {
  const name = 'Ωmega 👍 \u0001\u202e "\'; drop table workflows; -- \\u0000 \u{10ffff}';
  const made = await ann.api.workflows.create({ name, description: name, definition: answering(name) });
  expect(await ann.api.workflows.get({ id: made.id })).toMatchObject({
    name,
    description: name,
    definition: answering(name),
  });
  const input = { [name]: [name, { '': '\\u0000' }], __proto__x: 1, constructor: 1 };
  const run = await ann.api.workflows.execute({ id: workflowId, draft: true, wait: 10, input });
  expect(run).toMatchObject({ status: 'completed', input, output: input });
});

test('threat 7: an own __proto__ key in an input passes through a run without touching a prototype', async () => {
  const input = JSON.parse('{"__proto__": {"polluted": true}, "a": {"__proto__": 1}}');
  const run = await ann.api.workflows.execute({ id: workflowId, draft: true, wait: 10, input });
  expect(run.status).toBe('completed');
  expect(JSON.stringify(run.input)).toBe(JSON.stringify(input));
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});

test('threat 6: a text with NUL or half of a surrogate pair is refused by name wherever it is in a definition', async () => {
  for (const text of ['\0', '\ud800']) {
    const problem = await problemOf(
      ann.api.workflows.create({
        name: 'x',
        definition: chain({ id: 'a', type: 'transform', params: { value: { deep: [text] } } }),
      }),
    );
    expect(problem).toMatchObject({ status: 400, errors: [{ path: 'definition.nodes[0].params.value' }] });
    expect(problem.detail).toContain('NUL');
  }
});
