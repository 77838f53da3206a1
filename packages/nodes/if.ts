import { json } from '@flowplane/contract/json';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

export const ifNode = defineNode({
  type: 'if',
  title: 'If',
  description: 'Takes the port `true` or `false` by a condition; the result is the condition as a boolean.',
  params: z.strictObject({ condition: json.describe('True or false by the rules of JavaScript') }),
  ports: () => ['true', 'false'],
  run({ condition }) {
    const holds = Boolean(condition);
    return { output: holds, port: String(holds) };
  },
});
