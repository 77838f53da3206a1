import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { startServer } from '@flowplane/egress/test-server';
import type { Engine } from '@flowplane/engine/engine';
import { type Bench, type DefinitionInput, openBench } from '@flowplane/engine/testing/engine';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtinNodes } from './index.ts';

let bench: Bench;
let engine: Engine;
const sandbox = createSandbox();
const egress = createGuardedFetch({ allowPrivate: ['127.0.0.1'] });

beforeAll(async () => {
  bench = await openBench();
  engine = bench.engine(builtinNodes({ sandbox, fetch: egress.fetch }));
  engine.work();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await sandbox.close();
  await egress.close();
});

const order: DefinitionInput = {
  nodes: [
    {
      id: 'order',
      type: 'transform',
      params: { value: { name: '{{ input.name.toUpperCase() }}', total: '{{ input.qty * input.price }}' } },
    },
    { id: 'big', type: 'if', params: { condition: '{{ nodes.order.total > 100 }}' } },
    { id: 'gold', type: 'transform', params: { value: { tier: 'gold', msg: 'Hello {{ nodes.order.name }}' } } },
    { id: 'basic', type: 'transform', params: { value: { tier: 'basic' } } },
  ],
  edges: [
    { from: 'order', to: 'big' },
    { from: 'big', port: 'true', to: 'gold' },
    { from: 'big', port: 'false', to: 'basic' },
  ],
  output: '{{ nodes.gold ?? nodes.basic }}',
};

test('an order is gold or basic; all four steps are journalled, the branch not taken as skipped', async () => {
  const gold = await bench.run(engine, order, { name: 'ada', qty: 3, price: 50 });
  expect(gold).toMatchObject({ status: 'completed', output: { tier: 'gold', msg: 'Hello ADA' } });
  expect(await bench.steps(gold.id)).toMatchObject([
    { path: 'order', status: 'completed', output: { name: 'ADA', total: 150 } },
    { path: 'big', status: 'completed', port: 'true', input: { condition: true }, output: true },
    { path: 'basic', status: 'skipped', attempt: 0, started_at: null },
    { path: 'gold', status: 'completed', attempt: 1 },
  ]);
  const basic = await bench.run(engine, order, { name: 'ada', qty: 1, price: 50 });
  expect(basic.output).toEqual({ tier: 'basic' });
  const steps = await bench.steps(basic.id);
  expect(steps.map(({ path, status }) => `${path} ${status}`).sort()).toEqual([
    'basic completed',
    'big completed',
    'gold skipped',
    'order completed',
  ]);
});

test('a switch, code, a delay, a log and a request work together; the skipped cases merge', async () => {
  const keys: (string | undefined)[] = [];
  await using server = await startServer((request, response) => {
    keys.push(request.headers['idempotency-key']?.toString());
    response.setHeader('content-type', 'application/json').end('{"stock":7}');
  });
  const ended = await bench.run(
    engine,
    {
      nodes: [
        {
          id: 'kind',
          type: 'switch',
          params: {
            value: '{{ input.kind }}',
            cases: [
              { port: 'book', equals: 'book' },
              { port: 'toy', equals: 'toy' },
            ],
          },
        },
        { id: 'stock', type: 'http.request', params: { url: `http://127.0.0.1:${server.port}/{{ input.kind }}` } },
        { id: 'price', type: 'code', params: { code: 'console.log("priced"); return nodes.stock.body.stock * 2' } },
        { id: 'pause', type: 'delay', params: { seconds: 0.1 } },
        { id: 'toy', type: 'fail', params: { code: 'no_toys' } },
        { id: 'say', type: 'log', params: { message: 'costs {{ nodes.price }}', data: '{{ nodes.stock.body }}' } },
        { id: 'end', type: 'transform', params: { value: ['{{ nodes.price }}', '{{ nodes.toy ?? "no toy" }}'] } },
      ],
      edges: [
        { from: 'kind', port: 'book', to: 'stock' },
        { from: 'kind', port: 'toy', to: 'toy' },
        { from: 'stock', to: 'price' },
        { from: 'price', to: 'pause' },
        { from: 'pause', to: 'say' },
        { from: 'say', to: 'end' },
        { from: 'toy', to: 'end' },
      ],
    },
    { kind: 'book' },
  );
  expect(ended).toMatchObject({ status: 'completed', output: [14, 'no toy'] });
  expect(keys).toEqual([`${ended.id}:stock`]);
  expect(await bench.logs(ended.id)).toMatchObject([
    { path: 'price', level: 'info', message: 'priced' },
    { path: 'say', level: 'info', message: 'costs 14', data: { stock: 7 } },
  ]);
  const failed = await bench.run(engine, { nodes: [{ id: 'stop', type: 'fail', params: { code: 'no_toys' } }] });
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'no_toys', nodeId: 'stop' } });
  expect(bench.errors).toEqual([]);
});
