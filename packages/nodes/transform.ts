import { json } from '@flowplane/contract/json';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

export const transform = defineNode({
  type: 'transform',
  title: 'Transform',
  description: 'Builds a value from expressions; the value is the result.',
  params: z.strictObject({
    value: json.meta({
      title: 'Value',
      description: 'Any JSON; strings may hold {{ expressions }}',
      examples: [{ name: '{{ input.name.toUpperCase() }}' }],
    }),
  }),
  example: {
    definition: {
      nodes: [
        {
          id: 'order',
          type: 'transform',
          params: { value: { name: '{{ input.name.toUpperCase() }}', total: '{{ input.qty * input.price }}' } },
        },
      ],
    },
    input: { name: 'ada', qty: 3, price: 50 },
    output: { name: 'ADA', total: 150 },
  },
  run: ({ value }) => ({ output: value }),
});
