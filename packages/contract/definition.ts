import { z } from 'zod';
import { eventName } from './event.ts';
import { id as idSchema } from './id.ts';
import { json } from './json.ts';
import { limits } from './limits.ts';
import { catchUp, cron, overlap, timezone } from './schedule.ts';
import { text } from './text.ts';
import { webhookPath, webhookVerification } from './webhook.ts';

/** An id within a definition: what `nodes.<id>` names in expressions. */
export const nodeId = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, {
  error: 'must start with a letter and hold only letters, digits, _ and - (64 at most)',
});

const milliseconds = (most: number) => z.int().min(1).max(most);
const dayInMs = 86_400_000;

/** When and how often a failed node is tried again. */
export const retry = z
  .strictObject({
    maxAttempts: z.int().min(1).max(100).default(3).describe('Attempts in all, the first included'),
    intervalMs: milliseconds(dayInMs).default(1_000).describe('Milliseconds before the second attempt'),
    backoffRate: z.number().min(1).max(10).default(2).describe('What each further pause is multiplied by'),
    maxIntervalMs: milliseconds(dayInMs).default(300_000).describe('The longest pause'),
    jitter: z
      .enum(['none', 'full'])
      .default('full')
      .describe('`full` pauses for a random part of the interval, so that many do not come back at once'),
    attemptTimeoutMs: milliseconds(dayInMs).optional().describe('Milliseconds that one attempt may take'),
    on: z
      .array(text.min(1).max(100))
      .min(1)
      .max(50)
      .optional()
      .meta({ description: 'Codes of the failures to retry; every one when absent', examples: [['http_status']] }),
  })
  .meta({ id: 'NodeRetry' });
export type Retry = z.infer<typeof retry>;

/** What a node is and does besides its params. */
const nodeSettings = {
  join: z
    .enum(['all', 'any'])
    .optional()
    .describe(
      '`any` runs the node at the first edge that is taken; `all`, the default, when every edge into it is settled',
    ),
  retry: retry.optional(),
  timeoutMs: milliseconds(dayInMs)
    .optional()
    .describe('Milliseconds that the node may take, all its attempts together'),
  heartbeatTimeoutMs: milliseconds(dayInMs)
    .optional()
    .describe(
      'Milliseconds that an attempt may go on without a sign of life; then it fails with heartbeat_timeout. For node types that give any',
    ),
  onError: z
    .enum(['fail', 'continue', 'branch'])
    .optional()
    .describe(
      'What a failure does: `fail`, the default, ends the execution; `continue` goes on with {error} as the result; `branch` takes the port `error`',
    ),
  disabled: z.boolean().optional().describe('Whether the node is passed over: what follows runs as if it had run'),
  pin: z
    .strictObject({ output: json, port: z.string().min(1).max(64).optional() })
    .optional()
    .describe('Test data: in runs of the draft this is the result, and the node does not run'),
  credentialId: idSchema.optional().describe('The credential that the node’s requests carry'),
};

export const node = z
  .strictObject({
    id: nodeId,
    type: z
      .string()
      .min(1)
      .max(100)
      .meta({ examples: ['transform', 'if', 'switch', 'code', 'respond', 'fail', 'log'] }),
    name: text.max(200).optional().describe('Shown to people instead of the id'),
    params: z
      .record(text.max(100), json)
      .default({})
      .describe('What the node type takes; strings may hold {{ expressions }}'),
    ...nodeSettings,
  })
  .meta({ id: 'WorkflowNode' });

export const edge = z
  .strictObject({
    from: nodeId,
    port: z.string().min(1).max(64).optional().describe('The output of `from`, where its type has several'),
    to: nodeId,
  })
  .meta({ id: 'WorkflowEdge' });

export const webhookTrigger = z
  .strictObject({
    id: nodeId,
    type: z.literal('webhook'),
    path: webhookPath,
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
    respond: z
      .enum(['result', 'immediate', 'stream'])
      .default('immediate')
      .describe(
        '`result` answers with the output, `immediate` with 202 and the execution’s id, `stream` with an event stream that ends with the output',
      ),
    verify: webhookVerification
      .optional()
      .describe('How callers prove who they are; anybody may call a webhook that has none'),
  })
  .meta({ id: 'WebhookTrigger' });

export const scheduleTrigger = z
  .strictObject({
    id: nodeId,
    type: z.literal('schedule'),
    cron,
    timezone,
    jitterSeconds: z
      .int()
      .min(0)
      .max(limits.jitterSeconds)
      .default(0)
      .describe('Each fire is late by its own, always same part of this, so that schedules do not all fire at once'),
    overlap,
    catchUp,
    input: z
      .record(text.max(200), json)
      .default({})
      .describe('The execution’s input, to which `scheduledAt` is added: the time that the cron expression names'),
  })
  .meta({ id: 'ScheduleTrigger' });

export const eventTrigger = z
  .strictObject({
    id: nodeId,
    type: z.literal('event'),
    event: eventName,
    match: text
      .min(1)
      .max(2_000)
      .optional()
      .meta({
        description: 'One {{ expression }} over `event`: only events for which it is true start an execution',
        examples: ['{{ event.data.total > 100 }}'],
      }),
  })
  .meta({ id: 'EventTrigger' });

/** What starts executions of the published version. */
export const trigger = z.discriminatedUnion('type', [webhookTrigger, scheduleTrigger, eventTrigger]);

/** Shown in the API's reference: an order's total, computed and answered on a webhook. */
const orderExample = {
  nodes: [
    {
      id: 'order',
      type: 'transform',
      params: { value: { name: '{{ input.name.toUpperCase() }}', total: '{{ input.qty * input.price }}' } },
    },
    { id: 'big', type: 'if', params: { condition: '{{ nodes.order.total > 100 }}' } },
    { id: 'gold', type: 'transform', params: { value: { tier: 'gold', msg: 'Hello {{ nodes.order.name }}' } } },
  ],
  edges: [
    { from: 'order', to: 'big' },
    { from: 'big', port: 'true', to: 'gold' },
  ],
  triggers: [
    { id: 'hook', type: 'webhook' as const, path: 'orders', method: 'POST' as const, respond: 'result' as const },
  ],
  output: '{{ nodes.gold ?? null }}',
};

/** The graph within a node that repeats it, such as `forEach`. */
export const body = z.strictObject({
  nodes: z.array(node).min(1).max(limits.nodes).meta({ title: 'Nodes', description: 'What runs for each item' }),
  edges: z
    .array(edge)
    .max(limits.edges)
    .default([])
    .meta({ title: 'Edges', description: 'In which order; every node starts at once where there are none' }),
  output: json
    .optional()
    .meta({ title: 'Result', description: 'The result for one item; the results of the end nodes when absent' }),
});
export type Body = z.infer<typeof body>;

/** Who comes first among a team's executions that wait for a worker. */
export const priority = z.int().min(limits.priority.least).max(limits.priority.most);

/** How many executions of a workflow may be under way at once. */
export const concurrency = z
  .strictObject({
    limit: z.int().min(1).max(limits.concurrency).describe('Executions under way at once, those that wait included'),
    key: text
      .min(1)
      .max(2_000)
      .optional()
      .meta({
        description:
          'A template over `input`: the limit holds for each value of it; for the whole workflow when absent',
        examples: ['{{ input.customerId }}'],
      }),
    policy: z
      .enum(['queue', 'skip', 'cancel-previous'])
      .default('queue')
      .describe(
        'What a start past the limit does: `queue` waits for its turn, `skip` is cancelled at once with the code concurrency_skipped, `cancel-previous` cancels the oldest that is under way',
      ),
  })
  .meta({ id: 'WorkflowConcurrency' });
export type Concurrency = z.infer<typeof concurrency>;

/** The workflow graph. */
export const definition = z
  .strictObject({
    nodes: z.array(node).min(1).max(limits.nodes),
    edges: z.array(edge).max(limits.edges).default([]),
    triggers: z.array(trigger).max(limits.triggers).default([]),
    output: json.optional().describe('The execution’s output; the results of the end nodes when absent'),
    timeoutSeconds: z
      .int()
      .min(1)
      .max(limits.executionSeconds)
      .optional()
      .describe('Seconds that an execution may take, waits included; a day when absent'),
    retention: z
      .strictObject({
        days: z.int().min(0).max(3_650).describe('Days after their end; 0 keeps them for good'),
      })
      .optional()
      .describe('How long finished executions are kept, by the published version; as the instance is set when absent'),
    concurrency: concurrency.optional(),
    priority: priority
      .optional()
      .describe(
        `${limits.priority.least} to ${limits.priority.most}, ${limits.priority.usual} when absent: which of the team’s executions that wait for a worker come first, the highest does`,
      ),
  })
  .meta({ id: 'WorkflowDefinition', examples: [orderExample] });

export type Node = z.infer<typeof node>;
export type Edge = z.infer<typeof edge>;
export type Trigger = z.infer<typeof trigger>;
export type WebhookTrigger = z.infer<typeof webhookTrigger>;
export type ScheduleTrigger = z.infer<typeof scheduleTrigger>;
export type EventTrigger = z.infer<typeof eventTrigger>;
export type Definition = z.infer<typeof definition>;
