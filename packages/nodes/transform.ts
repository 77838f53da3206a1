import { json } from '@flowplane/contract/json';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

export const transform = defineNode({
  type: 'transform',
  title: 'Transform',
  description: 'Builds a value from expressions; the value is the result.',
  params: z.strictObject({ value: json.describe('Any JSON; strings may hold {{ expressions }}') }),
  run: ({ value }) => ({ output: value }),
});
