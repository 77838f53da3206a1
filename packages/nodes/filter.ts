import { defineNode, type RunnableNode } from '@flowplane/engine/node-type';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { z } from 'zod';
import { checkCount, items } from './items.ts';
import { selector, selectPerItem } from './selector.ts';

/** The `filter` node. */
export function filter(sandbox: Sandbox): RunnableNode {
  return defineNode({
    type: 'filter',
    title: 'Filter',
    description: 'Keeps the items for which a condition holds, in their order.',
    params: z.strictObject({
      items,
      where: selector.meta({
        title: 'Where',
        description:
          'The condition, true or false by the rules of JavaScript: an expression over `item` and `index`, or a path into the item',
        examples: ['{{ item.total > 100 }}'],
      }),
    }),
    perItem: ['where'],
    example: {
      definition: {
        nodes: [
          { id: 'large', type: 'filter', params: { items: '{{ input.orders }}', where: '{{ item.total > 100 }}' } },
        ],
      },
      input: {
        orders: [
          { id: 1, total: 250 },
          { id: 2, total: 40 },
        ],
      },
      output: [{ id: 1, total: 250 }],
    },
    run({ items: list, where }, context) {
      checkCount(list.length, 'params.items');
      return selectPerItem({ selectors: [where], items: list, sandbox, context }, ([holds = []]) => ({
        output: list.filter((_, index) => Boolean(holds[index])),
      }));
    },
  });
}
