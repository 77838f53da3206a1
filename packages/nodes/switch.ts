import { isDeepStrictEqual } from 'node:util';
import { type Json, json } from '@flowplane/contract/json';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

const portName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: 'must be letters, digits, _ and - (64 at most)' })
  .refine((name) => name !== 'default', { error: 'default is the port that is taken when no case matches' });

const switchCase = z.union(
  [z.strictObject({ port: portName, equals: json }), z.strictObject({ port: portName, when: json })],
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
    value: json.default(null).describe('What `equals` is compared with'),
    cases: z.array(switchCase).min(1).max(100).describe('`equals` a JSON value, or `when` a condition holds'),
  }),
  ports: (params) => [...new Set([...declaredPorts(params), 'default'])],
  run({ value, cases }) {
    const match = cases.find((entry) =>
      'equals' in entry ? isDeepStrictEqual(entry.equals, value) : Boolean(entry.when),
    );
    return { output: value, port: match?.port ?? 'default' };
  },
});
