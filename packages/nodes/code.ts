import { defineNode, type RunnableNode } from '@flowplane/engine/node-type';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { codeError } from '@flowplane/expressions/template';
import { z } from 'zod';

const longest = 60;

/** The `code` node: a function body in the sandbox. */
export function code(sandbox: Sandbox): RunnableNode {
  return defineNode({
    type: 'code',
    title: 'Code',
    description:
      'Runs JavaScript in a sandbox: the body of a function of input, nodes, vars and run; what it returns is the result.',
    params: z.strictObject({
      code: z
        .string()
        .min(1)
        .max(100_000)
        .meta({
          title: 'Code',
          description: 'A function body; `await` is allowed, and `console` writes to the execution’s log',
          examples: ['return input.total * 2'],
        }),
      timeoutSeconds: z
        .number()
        .min(0.1)
        .max(longest)
        .default(10)
        .meta({ title: 'Timeout', description: `Seconds it may take, ${longest} at most` }),
    }),
    literal: ['code'],
    example: {
      definition: {
        nodes: [
          {
            id: 'sum',
            type: 'code',
            params: { code: "console.log('adding', input.length); return input.reduce((a, b) => a + b, 0)" },
          },
        ],
      },
      input: [1, 2, 3],
      output: 6,
    },
    check({ code: body }) {
      const error = typeof body === 'string' ? codeError(body) : undefined;
      return error ? [{ path: ['code'], message: error.message }] : [];
    },
    async run({ code: body, timeoutSeconds }, { scope, teamId, signal, log }) {
      const limits = { timeoutMs: timeoutSeconds * 1_000, signal };
      const { value, logs } = await sandbox.of(teamId).run(body, scope, limits);
      for (const line of logs) log(line.level, line.message);
      return { output: value };
    },
  });
}
