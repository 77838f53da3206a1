import { z } from 'zod';
import { id } from './id.ts';
import { json } from './json.ts';
import { limits } from './limits.ts';
import { page, pageInput } from './page.ts';
import { text } from './text.ts';

export const executionStatus = z.enum(['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled']);
export type ExecutionStatus = z.infer<typeof executionStatus>;

export const stepStatus = z.enum([...executionStatus.options, 'skipped']);
export type StepStatus = z.infer<typeof stepStatus>;

/** Why an execution or a step failed: a code to branch on, a message to read, and the node at fault. */
export const failure = z.object({ code: z.string(), message: z.string(), nodeId: z.string().optional() }).meta({
  id: 'Failure',
  examples: [{ code: 'code_timeout', message: 'The code ran longer than 2 s.', nodeId: 'order' }],
});

const noFailure = failure
  .nullable()
  .meta({ description: 'null unless it failed, or was not let run', examples: [null] });
export type Failure = z.infer<typeof failure>;

export const execution = z
  .object({
    id,
    workflowId: id,
    version: z.int().nullable().describe('The published version it runs; null for a run of the draft'),
    status: executionStatus.meta({ examples: ['completed'] }),
    trigger: z.string().meta({
      description:
        'What started it: `api` or `test`, or `webhook:`, `schedule:` or `event:` and the trigger’s id, `workflow` or `restart`',
      examples: ['api'],
    }),
    restartedFrom: id.nullable().meta({
      description: 'The execution that it was restarted from, some of whose results it may have kept',
      examples: [null],
    }),
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
    progress: json.meta({
      description:
        'What the step last said of how far it is: a loop `{done, failed, items}`, an `http.request` that reads pages `{pages, items}`; null where it says nothing',
      examples: [null],
    }),
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

/** Names an event of a stream, for whoever resumes after it. @param form of the stream's ids. */
export function eventId(form: RegExp) {
  return z
    .string()
    .regex(form, { error: 'must be the id of an event that the stream sent' })
    .optional()
    .describe('The id of the last event that was received; the stream goes on after it');
}

/** What the stream of an execution tells; `done` is the last. Who lags sees the latest state of a step, not each one. */
export const executionEvent = z
  .discriminatedUnion('event', [
    z.object({ event: z.literal('status'), data: z.object({ status: executionStatus }) }),
    z.object({ event: z.literal('step'), data: step }),
    z.object({ event: z.literal('log'), data: logLine }),
    z.object({ event: z.literal('done'), data: execution }),
  ])
  .meta({ id: 'ExecutionEvent' });
export type ExecutionEvent = z.infer<typeof executionEvent>;

export const executionEventsInput = z.strictObject({ id, lastEventId: eventId(/^[0-9]{1,9}$/) });

export const executionGetInput = z.strictObject({ id });
export const executionCancelInput = z.strictObject({ id });

/** Filters by the time at which executions were created; for those that schedules start, at which they were due. */
const between = {
  since: z
    .date()
    .optional()
    .describe('Only those that were created then or later; a schedule’s count by when they were due'),
  until: z.date().optional().describe('Only those that were created before'),
};
const trigger = text
  .min(1)
  .max(200)
  .optional()
  .meta({ description: 'Only those that this started', examples: ['webhook:orders'] });
const errorCode = text
  .min(1)
  .max(200)
  .optional()
  .meta({ description: 'Only those that failed with this code', examples: ['http_status'] });

export const executionListInput = pageInput.extend({
  workflowId: id.optional(),
  status: executionStatus.optional(),
  trigger,
  errorCode,
  ...between,
});

export const executionRestartInput = z.strictObject({
  id,
  from: text
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}([.[].*)?$/s, { error: 'must be the id of a node, or the path of a step' })
    .max(2_000)
    .optional()
    .meta({
      description:
        'The node, or the path of a step, from which everything runs again; what does not come after it keeps its result. A step within a loop stands for the whole loop. Absent: everything runs again',
      examples: ['order'],
    }),
  version: z
    .union([z.int().min(1).max(2_147_483_647), z.literal('latest')])
    .optional()
    .meta({
      description:
        'The published version to run; `latest` is the one that is published now. Absent: the same as before',
      examples: ['latest'],
    }),
  input: json.optional().meta({
    description: 'Another input. Absent: the same as before',
    examples: [{ name: 'ada', qty: 8, price: 30 }],
  }),
});

export const executionRedriveInput = z.strictObject({
  workflowId: id.optional().describe('Only executions of this workflow'),
  status: z.enum(['failed', 'cancelled']).default('failed').describe('How they ended'),
  errorCode,
  ...between,
  limit: z.int().min(1).max(limits.redrive).default(100).describe('At most so many, the oldest first'),
  from: z
    .enum(['failed-step', 'start'])
    .default('failed-step')
    .describe('`failed-step` keeps the results that there are, `start` runs everything again'),
});
export const executionRedriven = z.object({
  redriven: z.int().meta({ examples: [1] }),
  executions: z.array(id).describe('The new executions, the first hundred of them'),
});

export const executionCancelManyInput = z.strictObject({
  workflowId: id.optional().describe('Only executions of this workflow'),
  status: z.enum(['pending', 'running', 'waiting']).optional().describe('Only those that are in this status'),
  trigger,
  ...between,
  limit: z.int().min(1).max(limits.cancel).default(limits.cancel).describe('At most so many, the oldest first'),
});
export const executionsCancelled = z.object({ cancelled: z.int().meta({ examples: [12] }) });

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
