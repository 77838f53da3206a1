import type { Json } from '@flowplane/contract/json';
import { defineNode, type RunnableNode } from '@flowplane/engine/node-type';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { z } from 'zod';
import { aggregateValues, aggregations } from './aggregate-values.ts';
import { fieldName, groupBy, keyFields, namedBadly } from './group-by.ts';
import { keyText } from './item-key.ts';
import { checkCount, items } from './items.ts';
import { selector, selectPerItem, wholeItem } from './selector.ts';

const value = z.strictObject({
  op: z.enum(aggregations).meta({
    title: 'Operation',
    description:
      'Missing values are left out, except by `first`, `last` and `collect`; without any, `avg`, `min` and `max` are null',
  }),
  of: selector.optional().meta({ title: 'Of', description: 'A path or an expression; the item itself when absent' }),
});

const params = z
  .strictObject({
    items,
    groupBy: groupBy.optional().meta({
      title: 'Group by',
      description:
        'A path, a list of paths, or paths and expressions by the name they have in the result (a lone path has its last name, a lone expression `key`); without it the result is one object instead of a list of groups',
      examples: ['country', { month: '{{ item.date.slice(0, 7) }}' }],
    }),
    values: z
      .record(fieldName, value, { error: namedBadly })
      .refine((all) => Object.keys(all).length <= 50, { error: 'at most 50 values' })
      .default({ count: { op: 'count' } })
      .meta({ title: 'Values', description: 'What to compute, by the name it has in the result' }),
  })
  .superRefine((given, context) => {
    const names = [...keyFields(given.groupBy).map(({ name }) => name), ...Object.keys(given.values)];
    const twice = names.find((name, index) => names.indexOf(name) < index);
    if (twice === undefined) return;
    const message = `two fields of the result would be called ${twice}; name the keys: {name: "a path"}`;
    context.addIssue({ code: 'custom', path: ['groupBy'], message });
  });

/** The places of the items of each group, in the order in which the groups first appear. */
function grouped(count: number, columns: Json[][]): number[][] {
  const groups = new Map<string, number[]>();
  for (let index = 0; index < count; index += 1) {
    const text = columns.map((column) => keyText(column[index] ?? null, 'params.groupBy', index)).join();
    const group = groups.get(text);
    if (group) group.push(index);
    else groups.set(text, [index]);
  }
  return [...groups.values()];
}

/** The `aggregate` node. */
export function aggregate(sandbox: Sandbox): RunnableNode {
  return defineNode({
    type: 'aggregate',
    title: 'Aggregate',
    description:
      'Computes counts, sums and the like over items, or over each group of them; groups come in the order of their first item.',
    params,
    perItem: ['groupBy', 'values'],
    example: {
      definition: {
        nodes: [
          {
            id: 'byCountry',
            type: 'aggregate',
            params: {
              items: '{{ input }}',
              groupBy: 'customer.country',
              values: { orders: { op: 'count' }, revenue: { op: 'sum', of: '{{ item.qty * item.price }}' } },
            },
          },
        ],
      },
      input: [
        { customer: { country: 'FR' }, qty: 2, price: 10 },
        { customer: { country: 'DE' }, qty: 1, price: 5 },
        { customer: { country: 'FR' }, qty: 1, price: 30 },
      ],
      output: [
        { country: 'FR', orders: 2, revenue: 50 },
        { country: 'DE', orders: 1, revenue: 5 },
      ],
    },
    run({ items: list, groupBy: by, values }, context) {
      checkCount(list.length, 'params.items');
      const keys = keyFields(by);
      const wanted = Object.entries(values);
      const selectors = [...keys.map(({ of }) => of), ...wanted.map(([, { of = wholeItem }]) => of)];
      return selectPerItem({ selectors, items: list, sandbox, context }, (columns) => {
        const summary = (group: number[]): Json => {
          const [first = 0] = group;
          const fields = keys.map(({ name }, place): [string, Json] => [name, columns[place]?.[first] ?? null]);
          for (const [place, [name, { op, of }]] of wanted.entries()) {
            const column = columns[keys.length + place] ?? [];
            const placed = group.map((index) => ({ value: column[index] ?? null, index }));
            const all = op === 'count' && of === undefined;
            fields.push([name, all ? group.length : aggregateValues(op, placed, `params.values.${name}`)]);
          }
          return Object.fromEntries(fields);
        };
        if (by === undefined) return { output: summary(list.map((_, index) => index)) };
        return { output: grouped(list.length, columns.slice(0, keys.length)).map(summary) };
      });
    },
  });
}
