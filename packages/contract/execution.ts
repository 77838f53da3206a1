import { z } from 'zod';
import { id } from './id.ts';
import { json } from './json.ts';
import { page, pageInput } from './page.ts';

export const executionStatus = z.enum(['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled']);
export type ExecutionStatus = z.infer<typeof executionStatus>;

export const stepStatus = z.enum([...executionStatus.options, 'skipped']);
export type StepStatus = z.infer<typeof stepStatus>;

/** Why an execution or a step failed: a code to branch on, a message to read, and the node at fault. */
export const failure = z.object({ code: z.string(), message: z.string(), nodeId: z.string().optional() });
export type Failure = z.infer<typeof failure>;

export const execution = z.object({
  id,
  workflowId: id,
  version: z.int().nullable().describe('The published version it runs; null for a run of the draft'),
  status: executionStatus,
  trigger: z.string().describe('What started it: `api`, or `webhook:<trigger id>`'),
  input: json,
  output: json,
  error: failure.nullable(),
  createdAt: z.date(),
  startedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
});
export type Execution = z.infer<typeof execution>;

/** A row of a list: the execution without its values. */
export const executionSummary = execution.omit({ input: true, output: true });

export const step = z.object({
  path: z.string().describe('Names the step within the execution; the node’s id at the top level'),
  nodeId: z.string(),
  type: z.string(),
  status: stepStatus,
  attempt: z.int(),
  input: json.describe('The node’s params with every expression evaluated'),
  output: json,
  error: failure.nullable(),
  startedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
});
export type Step = z.infer<typeof step>;

export const logLevel = z.enum(['debug', 'info', 'warn', 'error']);
export type LogLevel = z.infer<typeof logLevel>;

export const logLine = z.object({
  path: z.string().describe('The step that logged it'),
  level: logLevel,
  message: z.string(),
  data: json,
  at: z.date(),
});
export type LogLine = z.infer<typeof logLine>;

export const executionGetInput = z.strictObject({ id });
export const executionCancelInput = z.strictObject({ id });
export const executionListInput = pageInput.extend({
  workflowId: id.optional(),
  status: executionStatus.optional(),
});
export const executionPage = page(executionSummary);

/** Steps and logs are read in the order in which they happened; their cursors are positions. */
const position = z
  .string()
  .regex(/^[0-9]{1,9}$/, { error: 'must be a cursor that an earlier page gave as nextCursor' })
  .optional();
export const executionStepsInput = pageInput.extend({ id, cursor: position });
export const stepPage = page(step);
export const executionLogsInput = pageInput.extend({ id, cursor: position });
export const logPage = page(logLine);
