import { setTimeout as sleep } from 'node:timers/promises';
import { body } from '@flowplane/contract/definition';
import { json } from '@flowplane/contract/json';
import { z } from 'zod';
import { NodeError } from '../node-error.ts';
import { defineLoop, defineNode, type NodeContext, type NodeType, type Outcome } from '../node-type.ts';

const text = { title: 'For a test', description: 'For a test' };

/** Gives its param back at once. */
export const value = defineNode({
  ...text,
  type: 'value',
  params: z.strictObject({ value: json.default(null) }),
  run: ({ value: output }) => ({ output }),
});

/** Gives its param back after some milliseconds, unless aborted. */
export const later = defineNode({
  ...text,
  type: 'later',
  params: z.strictObject({ ms: z.number(), value: json.default(null) }),
  async run({ ms, value: output }, { signal }) {
    await sleep(ms, undefined, { signal });
    return { output };
  },
});

export const wait = defineNode({
  ...text,
  type: 'wait',
  params: z.strictObject({ seconds: z.number() }),
  run: ({ seconds }) => ({ output: seconds, wait: { seconds } }),
});

/** Takes the port that it is told. */
export const pick = defineNode({
  ...text,
  type: 'pick',
  params: z.strictObject({ port: json }),
  ports: () => ['a', 'b', 'out'],
  run: ({ port }) => ({ output: port, port: String(port) }),
});

export const fail = defineNode({
  ...text,
  type: 'fail',
  params: z.strictObject({ message: z.string().default('as told') }),
  run({ message }) {
    throw new NodeError('told_to', message);
  },
});

const loopSettings = z.strictObject({
  items: z.array(json),
  concurrency: z.int().default(2),
  onItemError: z.enum(['fail', 'continue']).default('fail'),
  maxFailures: z.int().default(10_000),
});

export const each = defineLoop({
  ...text,
  type: 'each',
  params: loopSettings.extend({ body, until: json.optional() }),
  body: 'body',
  until: 'until',
  settings: loopSettings,
  loop: (settings) => settings,
});

/** A node type of a test's own, with any params. */
export function node(
  type: string,
  run: (context: NodeContext, params: unknown) => Outcome | Promise<Outcome>,
  options: { effect?: boolean; heartbeats?: boolean } = {},
): NodeType {
  return defineNode({ ...text, type, params: z.unknown(), ...options, run: (params, context) => run(context, params) });
}

export const basics = [value, later, wait, pick, fail, each];
