import type { Json } from '@flowplane/contract/json';
import { defineNode, type RunnableNode } from '@flowplane/engine/node-type';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { z } from 'zod';
import { compareValues } from './compare.ts';
import { checkCount, items } from './items.ts';
import { selector, selectPerItem, wholeItem } from './selector.ts';

const order = z.enum(['asc', 'desc']);

const key = z.strictObject({
  by: selector.meta({ title: 'By', description: 'A path or an expression' }),
  order: order.optional().meta({ title: 'Order', description: 'Of this key; the order of the node when absent' }),
});

const params = z.strictObject({
  items,
  by: z
    .union([selector, z.array(key).min(1).max(10)], {
      error: 'must be a path, an expression, or a list of keys {by, order}, with asc or desc',
    })
    .default(wholeItem)
    .meta({
      title: 'By',
      description: 'A path into the item or an expression over `item` and `index`; or a list of keys, the first first',
      examples: ['customer.name'],
    }),
  order: order.default('asc').meta({ title: 'Order', description: '`asc` smallest first, `desc` largest first' }),
});

/** Whatever the order, what is missing comes last. */
function compareKeys(a: Json, b: Json, descending: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return descending ? compareValues(b, a) : compareValues(a, b);
}

/** The `sort` node. */
export function sort(sandbox: Sandbox): RunnableNode {
  return defineNode({
    type: 'sort',
    title: 'Sort',
    description:
      'Orders items by one or several keys; equal ones keep their order. Mixed values: false, true, numbers, texts, then lists and objects; missing ones last.',
    params,
    perItem: ['by'],
    example: {
      definition: {
        nodes: [
          {
            id: 'ranked',
            type: 'sort',
            params: { items: '{{ input }}', by: [{ by: 'total', order: 'desc' }, { by: 'name' }] },
          },
        ],
      },
      input: [
        { name: 'Bo', total: 40 },
        { name: 'Cy', total: 90 },
        { name: 'Al', total: 40 },
      ],
      output: [
        { name: 'Cy', total: 90 },
        { name: 'Al', total: 40 },
        { name: 'Bo', total: 40 },
      ],
    },
    run({ items: list, by, order: usual }, context) {
      checkCount(list.length, 'params.items');
      const keys = typeof by === 'string' ? [{ by }] : by;
      const descending = keys.map((one) => (('order' in one && one.order) || usual) === 'desc');
      const selectors = keys.map((one) => one.by);
      return selectPerItem({ selectors, items: list, sandbox, context }, (columns) => {
        const rows = list.map((item, index) => ({ item, keys: columns.map((column) => column[index] ?? null) }));
        rows.sort((a, b) => {
          for (const [place, backwards] of descending.entries()) {
            const result = compareKeys(a.keys[place] ?? null, b.keys[place] ?? null, backwards);
            if (result !== 0) return result;
          }
          return 0;
        });
        return { output: rows.map(({ item }) => item) };
      });
    },
  });
}
