import { NodeError } from '@flowplane/engine/node-error';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

export const fail = defineNode({
  type: 'fail',
  title: 'Fail',
  description: 'Ends the execution as failed, with a code and a message of the author’s.',
  params: z.strictObject({
    code: z
      .string()
      .regex(/^[a-z][a-z0-9_.-]{0,99}$/, { error: 'must be lower-case letters, digits and _ . - (100 at most)' })
      .default('failed')
      .meta({ title: 'Code', description: 'What callers and retries go by', examples: ['out_of_stock'] }),
    message: z
      .string()
      .max(2_000)
      .default('')
      .meta({ title: 'Message', description: 'For people', examples: ['{{ input.sku }} is out of stock'] }),
  }),
  example: {
    definition: {
      nodes: [
        { id: 'stop', type: 'fail', params: { code: 'out_of_stock', message: '{{ input.sku }} is out of stock' } },
      ],
    },
    input: { sku: 'A-7' },
    error: { code: 'out_of_stock', message: 'A-7 is out of stock' },
  },
  run({ code, message }) {
    throw new NodeError(code, message);
  },
});
