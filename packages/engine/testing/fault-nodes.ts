import { setTimeout as sleep } from 'node:timers/promises';
import { json } from '@flowplane/contract/json';
import type { Database } from '@flowplane/db/database';
import { z } from 'zod';
import { NodeError } from '../node-error.ts';
import type { NodeType } from '../node-type.ts';
import type { DefinitionInput } from './engine.ts';
import { basics, node } from './nodes.ts';

/** Effects by their idempotency keys: they happen in transactions that the engine knows nothing of. */
export const effectsTable =
  'create table effects (key text not null, at timestamptz not null default clock_timestamp())';

/** The node types of executions that faults are tried on. */
export function faultNodes(outside: Database): NodeType[] {
  async function happen(key: string): Promise<number> {
    await outside.pool.query('insert into effects (key) values ($1)', [key]);
    const { rows } = await outside.pool.query<{ times: number }>(
      'select count(*)::int as times from effects where key = $1',
      [key],
    );
    return rows[0]?.times ?? 0;
  }

  const effect = node(
    'effect',
    async ({ idempotencyKey, scope }) => {
      await happen(idempotencyKey);
      await sleep(5);
      return { output: scope.item ?? 'done' };
    },
    { effect: true },
  );
  const flaky = node(
    'flaky',
    async ({ idempotencyKey }) => {
      if ((await happen(idempotencyKey)) === 1) throw new NodeError('busy', 'as told');
      return { output: 'at last' };
    },
    { effect: true },
  );
  /** Eight effects of one step: what was done before its worker died is not done again. */
  const resumes = node(
    'resumes',
    async ({ idempotencyKey, heartbeat, lastProgress }) => {
      const { done } = z.object({ done: z.int() }).parse(lastProgress ?? { done: 0 });
      for (let place = done; place < 8; place += 1) {
        await happen(`${idempotencyKey}:${place}`);
        heartbeat({ done: place + 1 });
        await sleep(250);
      }
      return { output: done };
    },
    { effect: true, heartbeats: true },
  );
  const gate = node('gate', (_, params) => {
    const match = z.strictObject({ match: json }).parse(params);
    return { output: null, suspend: { kind: 'event', event: 'paid', ...match } };
  });
  const call = node(
    'call',
    async ({ call: start }, params) => {
      const { workflowId, input } = z.strictObject({ workflowId: z.string(), input: json }).parse(params);
      return {
        output: null,
        suspend: { kind: 'call', childId: await start({ workflowId, input, onParentEnd: 'cancel' }) },
      };
    },
    { effect: true },
  );
  return [...basics, effect, flaky, resumes, gate, call];
}

const ids = ['charge', 'bills', 'flaky', 'pause', 'gate', 'call', 'last'];

/** An effect, a loop of effects, a retry, a delay, a wait for an event, a call and another effect, one after the other. */
export function everyKind(childWorkflowId: string): DefinitionInput {
  return {
    nodes: [
      { id: 'charge', type: 'effect' },
      {
        id: 'bills',
        type: 'each',
        params: { items: [1, 2, 3], concurrency: 1, body: { nodes: [{ id: 'bill', type: 'effect' }] } },
      },
      // The death of a worker uses an attempt up, and the first that gets through is to fail.
      { id: 'flaky', type: 'flaky', retry: { maxAttempts: 8, intervalMs: 20, jitter: 'none' } },
      { id: 'pause', type: 'wait', params: { seconds: 0.05 } },
      { id: 'gate', type: 'gate', params: { match: { family: '{{ input.family }}' } } },
      { id: 'call', type: 'call', params: { workflowId: childWorkflowId, input: '{{ input }}' } },
      { id: 'last', type: 'effect' },
    ],
    edges: ids.slice(1).map((to, index) => ({ from: ids[index] ?? '', to })),
    output: '{{ [nodes.bills, nodes.flaky, nodes.pause, nodes.gate, nodes.call] }}',
  };
}

/** What `everyKind` calls. */
export const called: DefinitionInput = { nodes: [{ id: 'ship', type: 'effect' }] };

/** The paths of its steps, those that are effects, and its output. */
export const everyKindEnds = {
  paths: [...ids, ...[0, 1, 2].flatMap((index) => [`bills[${index}]`, `bills[${index}].bill`])],
  effects: ['charge', 'flaky', 'last', ...[0, 1, 2].map((index) => `bills[${index}].bill`)],
  output: (family: number) => [[1, 2, 3], 'at last', 0.05, { family }, 'done'],
};
