import { body } from '@flowplane/contract/definition';
import { json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { defineLoop } from '@flowplane/engine/node-type';
import { z } from 'zod';

const settings = z.strictObject({
  items: z
    .array(json, { error: 'must be a list' })
    .max(limits.loopItems, { error: `may hold at most ${limits.loopItems} items` })
    .meta({ title: 'Items', description: 'The list to go over', examples: [['ada', 'bob']] }),
  concurrency: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .meta({ title: 'Concurrency', description: 'Items under way at once' }),
  onItemError: z
    .enum(['fail', 'continue'])
    .default('fail')
    .meta({ title: 'On error', description: '`continue` gives {error} as the result of an item that failed' }),
  maxFailures: z
    .int()
    .min(0)
    .max(limits.loopItems)
    .default(limits.loopItems)
    .meta({ title: 'Failures', description: 'With `continue`: more failed items than this fail the node' }),
});

/** The `forEach` node: a graph of its own, run for each item of a list. */
export const forEach = defineLoop({
  type: 'forEach',
  title: 'For each',
  description:
    'Runs a graph for each item of a list, several at once; its expressions also see item and index. The result is the list of their results, in order.',
  params: settings.extend({
    body: body.meta({ title: 'Body', description: 'The graph that is run for each item' }),
    until: json
      .optional()
      .meta({ title: 'Until', description: 'Evaluated after each item; once it is true no further item starts' }),
  }),
  example: {
    definition: {
      nodes: [
        {
          id: 'greet',
          type: 'forEach',
          params: {
            items: '{{ input }}',
            concurrency: 2,
            body: {
              nodes: [
                { id: 'name', type: 'transform', params: { value: '{{ item.toUpperCase() }}' } },
                { id: 'line', type: 'transform', params: { value: '{{ index + 1 }}. Hello {{ nodes.name }}' } },
              ],
              edges: [{ from: 'name', to: 'line' }],
            },
          },
        },
      ],
    },
    input: ['ada', 'bob'],
    output: ['1. Hello ADA', '2. Hello BOB'],
  },
  body: 'body',
  until: 'until',
  settings,
  loop: (given) => given,
});
