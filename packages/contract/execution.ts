import { z } from 'zod';
import { id } from './id.ts';
import { json } from './json.ts';
import { page, pageInput } from './page.ts';

export const executionStatus = z.enum(['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled']);
export type ExecutionStatus = z.infer<typeof executionStatus>;

export const stepStatus = z.enum([...executionStatus.options, 'skipped']);
export type StepStatus = z.infer<typeof stepStatus>;

/** Why an execution or a step failed: a code to branch on, a message to read, and the node at fault. */
export const failure = z.object({ code: z.string(), message: z.string(), nodeId: z.string().optional() }).meta({
  id: 'Failure',
  examples: [{ code: 'code_timeout', message: 'The code ran longer than 2 s.', nodeId: 'order' }],
});

const noFailure = failure.nullable().meta({ description: 'null unless it failed', examples: [null] });
export type Failure = z.infer<typeof failure>;

export const execution = z
  .object({
    id,
    workflowId: id,
    version: z.int().nullable().describe('The published version it runs; null for a run of the draft'),
    status: executionStatus.meta({ examples: ['completed'] }),
    trigger: z.string().meta({ description: 'What started it: `api`, or `webhook:<trigger id>`', examples: ['api'] }),
    input: json.meta({ examples: [{ name: 'ada', qty: 7, price: 30 }] }),
    output: json.meta({ examples: [{ tier: 'gold', msg: 'Hello ADA' }] }),
    error: noFailure,
    createdAt: z.date(),
    startedAt: z.date().nullable(),
    finishedAt: z.date().nullable(),
  })
  .meta({ id: 'Execution' });
export type Execution = z.infer<typeof execution>;

/** A row of a list: the execution without its values. */
export const executionSummary = execution.omit({ input: true, output: true }).meta({ id: 'ExecutionSummary' });

export const step = z
  .object({
    path: z.string().meta({
      description: 'Names the step within the execution; the node’s id at the top level',
      examples: ['order'],
    }),
    nodeId: z.string().meta({ examples: ['order'] }),
    type: z.string().meta({ examples: ['transform'] }),
    status: stepStatus.meta({ examples: ['completed'] }),
    attempt: z.int(),
    input: json.meta({
      description: 'The node’s params with every expression evaluated',
      examples: [{ value: { name: 'ADA', total: 210 } }],
    }),
    output: json.meta({ examples: [{ name: 'ADA', total: 210 }] }),
    error: noFailure,
    startedAt: z.date().nullable(),
    finishedAt: z.date().nullable(),
  })
  .meta({ id: 'Step' });
export type Step = z.infer<typeof step>;

export const logLevel = z.enum(['debug', 'info', 'warn', 'error']);
export type LogLevel = z.infer<typeof logLevel>;

export const logLine = z
  .object({
    path: z.string().meta({ description: 'The step that logged it', examples: ['order'] }),
    level: logLevel.meta({ examples: ['info'] }),
    message: z.string().meta({ examples: ['A large order came in'] }),
    data: json.meta({ examples: [{ total: 210 }] }),
    at: z.date(),
  })
  .meta({ id: 'LogLine' });
export type LogLine = z.infer<typeof logLine>;

export const executionGetInput = z.strictObject({ id });
export const executionCancelInput = z.strictObject({ id });
export const executionListInput = pageInput.extend({
  workflowId: id.optional(),
  status: executionStatus.optional(),
});
export const executionPage = page(executionSummary).meta({ id: 'ExecutionPage' });

/** Steps and logs are read in the order in which they happened; their cursors are positions. */
const position = z
  .string()
  .regex(/^[0-9]{1,9}$/, { error: 'must be a cursor that an earlier page gave as nextCursor' })
  .optional();
export const executionStepsInput = pageInput.extend({ id, cursor: position });
export const stepPage = page(step).meta({ id: 'StepPage' });
export const executionLogsInput = pageInput.extend({ id, cursor: position });
export const logPage = page(logLine).meta({ id: 'LogPage' });
