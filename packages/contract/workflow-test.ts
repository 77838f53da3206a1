import { z } from 'zod';
import { definition, nodeId } from './definition.ts';
import { execution, logLine, step } from './execution.ts';
import { id } from './id.ts';
import { json } from './json.ts';
import { limits } from './limits.ts';

/** What a node is taken to have answered in a test. */
export const testPin = z
  .strictObject({
    output: json.meta({ examples: [{ name: 'ADA', total: 210 }] }),
    port: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .meta({ description: 'The output port that is taken', examples: ['out'] }),
  })
  .meta({ id: 'TestPin' });

export const workflowTestInput = z.strictObject({
  id,
  input: json.default(null).meta({ examples: [{ name: 'ada', qty: 7, price: 30 }] }),
  definition: definition.optional().describe('What to try instead of the draft; needs the permission workflows:write'),
  until: nodeId
    .optional()
    .meta({ description: 'Run this node and what comes before it, nothing else', examples: ['big'] }),
  only: nodeId.optional().meta({
    description:
      'Run this node alone. What it names of others comes from `pins`, from their own pins, or else from the latest executions',
  }),
  pins: z
    .record(nodeId, testPin)
    .refine((pins) => Object.keys(pins).length <= limits.nodes, { error: `may hold at most ${limits.nodes} nodes` })
    .default({})
    .meta({
      description: 'Results by the ids of nodes, which then do not run; they come before the nodes’ own pins',
      examples: [{ order: { output: { name: 'ADA', total: 210 } } }],
    }),
  wait: z
    .int()
    .min(0)
    .max(limits.waitSeconds)
    .default(30)
    .meta({ description: 'Seconds to wait for the end', examples: [30] }),
});

/** A step of a test with what it logged. */
export const testStep = step
  .extend({
    durationMs: z
      .number()
      .nullable()
      .meta({ description: 'Milliseconds from its start to its end; null while it has not ended', examples: [3] }),
    logs: z.array(logLine.omit({ path: true })).meta({ description: 'What it logged, oldest first', examples: [[]] }),
  })
  .meta({ id: 'TestStep' });
export type TestStep = z.infer<typeof testStep>;

/** A test run: the execution with its steps, as far as they fit into one answer. */
export const workflowTestRun = execution
  .extend({
    steps: z.array(testStep).describe('In the order in which they happened'),
    truncated: z.boolean().meta({
      description: 'Whether there are more steps or log lines than fit: the execution’s own lists have them all',
      examples: [false],
    }),
  })
  .meta({ id: 'WorkflowTestRun' });
export type WorkflowTestRun = z.infer<typeof workflowTestRun>;
