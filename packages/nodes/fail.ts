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
      .default('failed'),
    message: z.string().max(2_000).default(''),
  }),
  run({ code, message }) {
    throw new NodeError(code, message);
  },
});
