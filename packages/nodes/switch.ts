import { isDeepStrictEqual } from 'node:util';
import { type Json, json } from '@flowplane/contract/json';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

const portName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: 'must be letters, digits, _ and - (64 at most)' })
  .refine((name) => name !== 'default', { error: 'default is the port that is taken when no case matches' })
  .meta({ title: 'Port', description: 'The output that is taken when the case matches' });

const switchCase = z.union(
  [
    z.strictObject({
      port: portName,
      equals: json.meta({ title: 'Equals', description: 'Matches when the value is the same JSON' }),
    }),
    z.strictObject({
      port: portName,
      when: json.meta({ title: 'When', description: 'Matches when this holds, by the rules of JavaScript' }),
    }),
  ],
  { error: 'must be {port, equals} or {port, when}' },
);

function declaredPorts(params: Record<string, Json>): string[] {
  const cases = Array.isArray(params.cases) ? params.cases : [];
  return cases.flatMap((entry) =>
    entry && typeof entry === 'object' && !Array.isArray(entry) && typeof entry.port === 'string' ? [entry.port] : [],
  );
}

export const switchNode = defineNode({
  type: 'switch',
  title: 'Switch',
  description: 'Takes the port of the first case that matches, else `default`; the result is the value.',
  params: z.strictObject({
    value: json.default(null).meta({
      title: 'Value',
      description: 'What `equals` is compared with',
      examples: ['{{ input.kind }}'],
    }),
    cases: z.array(switchCase).min(1).max(100).meta({ title: 'Cases', description: 'In this order; 100 at most' }),
  }),
  example: {
    definition: {
      nodes: [
        {
          id: 'kind',
          type: 'switch',
          params: {
            value: '{{ input.kind }}',
            cases: [
              { port: 'book', equals: 'book' },
              { port: 'dear', when: '{{ input.price > 100 }}' },
            ],
          },
        },
        { id: 'shelf', type: 'transform', params: { value: 'a shelf' } },
        { id: 'safe', type: 'transform', params: { value: 'the safe' } },
        { id: 'box', type: 'transform', params: { value: 'a box' } },
      ],
      edges: [
        { from: 'kind', port: 'book', to: 'shelf' },
        { from: 'kind', port: 'dear', to: 'safe' },
        { from: 'kind', port: 'default', to: 'box' },
      ],
      output: '{{ nodes.shelf ?? nodes.safe ?? nodes.box }}',
    },
    input: { kind: 'watch', price: 250 },
    output: 'the safe',
  },
  ports: (params) => [...new Set([...declaredPorts(params), 'default'])],
  run({ value, cases }) {
    const match = cases.find((entry) =>
      'equals' in entry ? isDeepStrictEqual(entry.equals, value) : Boolean(entry.when),
    );
    return { output: value, port: match?.port ?? 'default' };
  },
});
