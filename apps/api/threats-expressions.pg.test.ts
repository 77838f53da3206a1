import { existsSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ESCAPES } from '@flowplane/expressions/testing/escapes';
import { testApi } from '@flowplane/server/test-api';
import { TRPCError } from '@trpc/server';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const MARKER = 'canary-7d1f-must-never-be-seen';
const canary = { hit: false, marker: MARKER };
let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
let connections = 0;
const listener = createServer(() => {
  connections += 1;
});

beforeAll(async () => {
  Object.assign(globalThis, { __flowplaneCanary: canary });
  vi.stubEnv('FLOWPLANE_CANARY', MARKER);
  process.chdir(mkdtempSync(join(tmpdir(), 'escapes-')));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  api = await testApi();
  ann = await api.member();
});
afterAll(async () => {
  listener.close();
  await api[Symbol.asyncDispose]();
});

/** A workflow with an expression in every place that takes one; none of its nodes waits for another, or stops it. */
function everywhere(attempt: string, port: number) {
  const whole = `{{ ${attempt} }}`;
  const within = `a {{ ${attempt} }} b`;
  const nodes: [string, string, object][] = [
    ['value', 'transform', { value: { whole, deep: [within] } }],
    ['condition', 'if', { condition: whole }],
    ['case', 'switch', { value: whole, cases: [{ port: 'x', when: whole }] }],
    ['filter', 'filter', { items: [1, 2], where: whole }],
    ['sort', 'sort', { items: [2, 1], by: whole }],
    ['group', 'aggregate', { items: [{ a: 1 }], groupBy: { x: whole }, values: {} }],
    ['line', 'log', { message: within, data: whole }],
    ['body', 'code', { code: `return (${attempt})`, timeoutSeconds: 1 }],
    ['request', 'http.request', { url: `http://127.0.0.1:${port}/{{ ${attempt} }}`, headers: { 'x-a': within } }],
    [
      'items',
      'forEach',
      { items: whole, body: { nodes: [{ id: 'said', type: 'log', params: { message: 'x' } }], edges: [] } },
    ],
    [
      'loop',
      'forEach',
      { items: [1], body: { nodes: [{ id: 'in', type: 'transform', params: { value: whole } }], edges: [] } },
    ],
  ];
  return {
    nodes: nodes.map(([id, type, params]) => ({
      id,
      type,
      params: JSON.parse(JSON.stringify(params)),
      onError: type === 'if' || type === 'switch' ? ('branch' as const) : ('continue' as const),
    })),
    edges: [],
    output: whole,
  };
}

/** What an attempt leaves to be seen by its author: the execution, its steps and its logs, or why it was refused. */
async function seenOf(attempt: string, port: number): Promise<string> {
  const definition = everywhere(attempt, port);
  try {
    const input = { name: 'x', list: ['constructor', 'constructor', '__proto__'], path: { a: 1 }, evil: {} };
    // A key may use the input only, and be no more than that: `eval` is refused there before anything runs.
    const { id } = await ann.api.workflows
      .create({
        name: 'Escape',
        definition: { ...definition, concurrency: { key: `a {{ ${attempt} }} b`, limit: 100 } },
      })
      .catch(() => ann.api.workflows.create({ name: 'Escape', definition }));
    const run = await ann.api.workflows.execute({ id, draft: true, input, wait: 60 });
    const steps = await ann.api.executions.steps({ id: run.id, limit: 100 });
    const logs = await ann.api.executions.logs({ id: run.id });
    const shown = steps.items.map(({ output, error, nodeId }) => ({ nodeId, output, error }));
    return JSON.stringify({ output: run.output, error: run.error, status: run.status, shown, logs });
  } catch (error) {
    if (!(error instanceof TRPCError)) throw error;
    return `refused: ${error.message}`;
  }
}

test('threat 38: no escape works in any place that takes an expression', async () => {
  const bound = listener.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  let ran = 0;
  const waiting = [...ESCAPES];
  async function work(): Promise<void> {
    for (let attempt = waiting.shift(); attempt !== undefined; attempt = waiting.shift()) {
      const seen = await seenOf(attempt, port);
      if (!seen.startsWith('refused')) ran += 1;
      expect(seen, attempt).not.toContain(MARKER);
      expect(seen, attempt).not.toMatch(/"(object|function)(object|function|undefined)?"/);
    }
  }
  await Promise.all([work(), work(), work(), work()]);
  expect(ran).toBeGreaterThan(40);
  expect(canary.hit).toBe(false);
  expect(connections).toBe(0);
  expect(existsSync('canary')).toBe(false);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
}, 120_000);
