import { json } from '@flowplane/contract/json';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

export const ifNode = defineNode({
  type: 'if',
  title: 'If',
  description: 'Takes the port `true` or `false` by a condition; the result is the condition as a boolean.',
  params: z.strictObject({
    condition: json.meta({
      title: 'Condition',
      description: 'True or false by the rules of JavaScript',
      examples: ['{{ input.total > 100 }}'],
    }),
  }),
  ports: () => ['true', 'false'],
  example: {
    definition: {
      nodes: [
        { id: 'large', type: 'if', params: { condition: '{{ input.total > 100 }}' } },
        { id: 'gold', type: 'transform', params: { value: 'gold' } },
        { id: 'basic', type: 'transform', params: { value: 'basic' } },
      ],
      edges: [
        { from: 'large', port: 'true', to: 'gold' },
        { from: 'large', port: 'false', to: 'basic' },
      ],
      output: '{{ nodes.gold ?? nodes.basic }}',
    },
    input: { total: 150 },
    output: 'gold',
  },
  run({ condition }) {
    const holds = Boolean(condition);
    return { output: holds, port: String(holds) };
  },
});
