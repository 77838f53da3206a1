import { type Json, json } from '@flowplane/contract/json';
import { NodeError } from '@flowplane/engine/node-error';
import { defineNode, type NodeContext, type Outcome, type RunnableNode } from '@flowplane/engine/node-type';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { z } from 'zod';
import { kindOf } from './compare.ts';
import { checkCount } from './items.ts';
import { joined, joins } from './merge-join.ts';
import { combined, isObject, type JsonObject } from './merge-objects.ts';
import { selector, selectPerItem, wholeItem } from './selector.ts';

const params = z
  .strictObject({
    values: z
      .array(json)
      .min(1)
      .max(50)
      .meta({
        title: 'Values',
        description: 'What to merge, 50 at most; null, as of a skipped node, is left out',
        examples: [['{{ nodes.a }}', '{{ nodes.b }}']],
      }),
    mode: z.enum(['append', 'combine', 'join']).default('append').meta({
      title: 'Mode',
      description:
        '`append` makes one list of lists, `combine` one object of objects (deeply; the later value stays), `join` puts the items of two lists together that have the same key',
    }),
    on: z
      .union(
        [
          selector,
          z.strictObject({
            left: selector.meta({ title: 'Left', description: 'The key of the first list' }),
            right: selector.meta({ title: 'Right', description: 'The key of the second list' }),
          }),
        ],
        { error: 'must be a path or an expression, or {left, right} with one for each list' },
      )
      .optional()
      .meta({
        title: 'On',
        description: 'The key of a `join`: a path or an expression over `item`, for both lists or for each',
        examples: ['id', { left: 'id', right: 'customerId' }],
      }),
    join: z.enum(joins).default('inner').meta({
      title: 'Join',
      description: '`inner` keeps items with a match, `left` all of the first list, `outer` all of both',
    }),
  })
  .superRefine(({ mode, on, values }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (mode === 'join' && on === undefined) issue('on', 'is needed to join: the key that both lists have');
    if (mode === 'join' && values.length !== 2) issue('values', 'must be two lists to join');
    if (mode !== 'join' && on !== undefined) issue('on', 'is for mode join');
  });

type Params = z.output<typeof params>;

function wrong(value: Json, where: string, expected: string): NodeError {
  return new NodeError('invalid_params', `params.${where} is ${kindOf(value)}; mode ${expected}`);
}

function append(values: Json[]): Json[] {
  const lists = values.map((value, index) => {
    if (value === null) return [];
    if (!Array.isArray(value)) throw wrong(value, `values.${index}`, 'append takes lists');
    return value;
  });
  checkCount(
    lists.reduce((sum, list) => sum + list.length, 0),
    'The merged list',
  );
  return lists.flat();
}

function combine(values: Json[]): JsonObject {
  let all: JsonObject = {};
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    if (!isObject(value)) throw wrong(value, `values.${index}`, 'combine takes objects');
    all = combined(all, value);
  }
  return all;
}

function side(value: Json, name: string): JsonObject[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw wrong(value, name, 'join takes lists of objects');
  checkCount(value.length, `params.${name}`);
  return value.map((item, index) => {
    if (!isObject(item)) throw wrong(item, `${name}.${index}`, 'join takes lists of objects');
    return item;
  });
}

function join({ values, on = wholeItem, join: kind }: Params, sandbox: Sandbox, context: NodeContext) {
  const left = side(values[0] ?? null, 'values.0');
  const right = side(values[1] ?? null, 'values.1');
  const by = typeof on === 'string' ? { left: on, right: on } : on;
  return selectPerItem({ selectors: [by.left], items: left, sandbox, context }, ([leftKeys = []]) =>
    selectPerItem({ selectors: [by.right], items: right, sandbox, context }, ([rightKeys = []]): Outcome => {
      const sides = { left: { items: left, keys: leftKeys }, right: { items: right, keys: rightKeys } };
      return { output: joined(sides.left, sides.right, kind) };
    }),
  );
}

/** The `merge` node. */
export function merge(sandbox: Sandbox): RunnableNode {
  return defineNode({
    type: 'merge',
    title: 'Merge',
    description: 'Makes one value of several: lists one after the other, objects in one, or two lists joined by a key.',
    params,
    perItem: ['on'],
    example: {
      definition: {
        nodes: [
          {
            id: 'withNames',
            type: 'merge',
            params: {
              values: ['{{ input.orders }}', '{{ input.customers }}'],
              mode: 'join',
              on: { left: 'customerId', right: 'id' },
              join: 'left',
            },
          },
        ],
      },
      input: {
        orders: [
          { order: 7, customerId: 1 },
          { order: 8, customerId: 3 },
        ],
        customers: [{ id: 1, name: 'Ada' }],
      },
      output: [
        { order: 7, customerId: 1, id: 1, name: 'Ada' },
        { order: 8, customerId: 3 },
      ],
    },
    run(given, context) {
      if (given.mode === 'join') return join(given, sandbox, context);
      return { output: given.mode === 'append' ? append(given.values) : combine(given.values) };
    },
  });
}
