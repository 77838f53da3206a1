import type { Permission } from '@flowplane/contract/permissions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appRouter } from '../api.ts';
import { answering, chain, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const order = {
  ...chain(
    { id: 'order', type: 'transform', params: { value: { total: '{{ input.qty * input.price }}' } } },
    { id: 'note', type: 'log', params: { message: 'a total of {{ nodes.order.total }}' } },
    { id: 'big', type: 'if', params: { condition: '{{ nodes.order.total > 100 }}' } },
  ),
  triggers: [
    { id: 'hook', type: 'webhook' as const, path: 'tested', method: 'POST' as const, respond: 'result' as const },
  ],
  concurrency: { limit: 1, policy: 'skip' as const },
  output: '{{ nodes.gold ?? "basic" }}',
};
order.nodes.push(
  { id: 'gold', type: 'transform', params: { value: 'gold for {{ nodes.order.total }}' } },
  {
    id: 'each',
    type: 'forEach',
    params: {
      items: [1, 2],
      body: { nodes: [{ id: 'twice', type: 'transform', params: { value: '{{ item * 2 }}' } }] },
    },
  },
);
order.edges.push({ from: 'big', port: 'true', to: 'gold' }, { from: 'gold', to: 'each' });

async function made(definition: Parameters<typeof ann.api.workflows.create>[0]['definition'] = order): Promise<string> {
  return (await ann.api.workflows.create({ name: 'Tested', definition })).id;
}

function ran({ steps }: { steps: { path: string; status: string }[] }): string[] {
  return steps.filter(({ status }) => status !== 'skipped').map(({ path }) => path);
}

test('a test runs the draft and answers with what each step read, made, took and logged', async () => {
  const id = await made();
  const run = await ann.api.workflows.test({ id, input: { qty: 7, price: 30 } });
  expect(run).toMatchObject({ status: 'completed', output: 'gold for 210', trigger: 'test', version: null });
  expect(run.truncated).toBe(false);
  expect(ran(run)).toEqual(expect.arrayContaining(['order', 'note', 'big', 'gold', 'each', 'each[1].twice']));
  expect(run.steps[0]).toMatchObject({ path: 'order', input: { value: { total: 210 } }, output: { total: 210 } });
  expect(run.steps[0]?.durationMs).toBeGreaterThanOrEqual(0);
  const [line] = run.steps.find(({ path }) => path === 'note')?.logs ?? [];
  expect(line).toMatchObject({ level: 'info', message: 'a total of 210' });
  const { steps: _, truncated: __, ...execution } = run;
  expect(await ann.api.executions.get({ id: run.id })).toEqual(execution);
});

test('until a node, it and what comes before it run, nothing else; its result is the output', async () => {
  const id = await made();
  const run = await ann.api.workflows.test({ id, input: { qty: 7, price: 30 }, until: 'big' });
  expect(run).toMatchObject({ status: 'completed', output: true });
  expect(ran(run)).toEqual(['order', 'note', 'big']);
});

test('pins of the call come before those of the draft, and reach into loops', async () => {
  const id = await made();
  const pins = { order: { output: { total: 1 } }, big: { output: false, port: 'true' }, twice: { output: 'pinned' } };
  const run = await ann.api.workflows.test({ id, pins });
  expect(run).toMatchObject({ status: 'completed', output: 'gold for 1' });
  expect(run.steps.find(({ path }) => path === 'each')?.output).toEqual(['pinned', 'pinned']);
});

test('one node alone sees pins, or else what the latest executions left, and says what nothing is known of', async () => {
  const id = await made();
  const problem = await problemOf(ann.api.workflows.test({ id, only: 'gold' }));
  expect(problem).toMatchObject({ status: 400, code: 'invalid_input', errors: [{ path: 'pins.order' }] });
  expect(problem.detail).toContain('order');
  const pinned = await ann.api.workflows.test({ id, only: 'gold', pins: { order: { output: { total: 9 } } } });
  expect(pinned).toMatchObject({ status: 'completed', output: 'gold for 9' });
  await ann.api.workflows.test({ id, input: { qty: 1, price: 2 }, until: 'order' });
  const run = await ann.api.workflows.test({ id, only: 'gold' });
  expect(run).toMatchObject({ status: 'completed', output: 'gold for 2' });
  expect((await ann.api.workflows.test({ id, only: 'order', input: { qty: 2, price: 2 } })).output).toEqual({
    total: 4,
  });
});

test('a node that was passed by is no missing result', async () => {
  const id = await made({
    nodes: [
      { id: 'big', type: 'if', params: { condition: '{{ input }}' } },
      { id: 'gold', type: 'transform', params: { value: 'gold' } },
      { id: 'end', type: 'code', params: { code: 'return nodes.gold ?? "none"' }, pin: { output: 'not this' } },
    ],
    edges: [
      { from: 'big', port: 'true', to: 'gold' },
      { from: 'big', port: 'false', to: 'end' },
      { from: 'gold', to: 'end' },
    ],
  });
  await ann.api.workflows.test({ id, input: false });
  expect((await ann.api.workflows.test({ id, only: 'end' })).output).toBe('none');
  await ann.api.workflows.test({ id, input: true });
  expect((await ann.api.workflows.test({ id, only: 'end' })).output).toBe('gold');
});

test('a definition that is not saved is tried, checked like a saved one, and leaves the draft alone', async () => {
  const id = await made(answering('saved'));
  const before = await ann.api.workflows.get({ id });
  expect((await ann.api.workflows.test({ id, definition: answering('tried') })).output).toBe('tried');
  const wrong = ann.api.workflows.test({ id, definition: answering('{{ nodes.nobody }}') });
  expect(await problemOf(wrong)).toMatchObject({ status: 400, code: 'invalid_workflow' });
  expect(await ann.api.workflows.get({ id })).toEqual(before);
});

test.each([
  [{ until: 'nobody' }, 'until', 'no node nobody'],
  [{ only: 'twice' }, 'only', 'loop each'],
  [{ until: 'big', only: 'big' }, 'only', 'not both'],
  [{ pins: { nobody: { output: 1 } } }, 'pins.nobody', 'no node nobody'],
  [{ pins: { big: { output: 1 } } }, 'pins.big.port', 'true, false'],
])('%j does not fit the workflow and is refused by name', async (given, path, message) => {
  const problem = await problemOf(ann.api.workflows.test({ id: await made(), ...given }));
  expect(problem).toMatchObject({ status: 400, code: 'invalid_input', errors: [{ path }] });
  expect(problem.errors?.[0]?.message).toContain(message);
});

test('a test waits for no other execution of the workflow, and none waits for it', async () => {
  const slow = { ...chain({ id: 'a', type: 'delay', params: { seconds: 600 } }), concurrency: order.concurrency };
  const id = await made(slow);
  const first = await ann.api.workflows.test({ id, wait: 1 });
  const second = await ann.api.workflows.test({ id, wait: 1 });
  expect([first.status, second.status]).toEqual(['waiting', 'waiting']);
  expect(second.steps).toMatchObject([{ path: 'a', status: 'waiting', durationMs: null }]);
});

test('steps that do not fit into one answer are left out, and the answer says so', async () => {
  const big = 'x'.repeat(700_000);
  const nodes = [1, 2, 3, 4].map((n) => ({ id: `n${n}`, type: 'transform', params: { value: '{{ input }}' } }));
  const id = await made(chain(...nodes));
  const run = await ann.api.workflows.test({ id, input: big });
  expect(run).toMatchObject({ status: 'completed', truncated: true });
  expect(run.steps.length).toBeLessThan(4);
  expect((await ann.api.executions.steps({ id: run.id })).items).toHaveLength(4);
});

test('who may only run workflows neither sees steps nor tries what is not saved', async () => {
  const id = await made(answering(1));
  const as = (...permissions: Permission[]) =>
    appRouter.createCaller(ann.as({ ...ann.principal, kind: 'apiKey', permissions: new Set(permissions) }));
  const blind = await problemOf(as('workflows:execute').workflows.test({ id }));
  expect(blind).toMatchObject({ status: 403, code: 'forbidden' });
  expect(blind.detail).toContain('executions:read');
  const reader = as('workflows:execute', 'executions:read');
  expect((await reader.workflows.test({ id })).output).toBe(1);
  const problem = await problemOf(reader.workflows.test({ id, definition: answering(2) }));
  expect(problem.detail).toContain('workflows:write');
});
