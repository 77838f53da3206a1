import { z } from 'zod';
import { json } from './json.ts';
import { limits } from './limits.ts';
import { text } from './text.ts';

/** An id within a definition: what `nodes.<id>` names in expressions. */
export const nodeId = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, {
  error: 'must start with a letter and hold only letters, digits, _ and - (64 at most)',
});

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
    path: z
      .string()
      .max(200)
      .regex(/^[A-Za-z0-9][A-Za-z0-9._~-]*(\/[A-Za-z0-9][A-Za-z0-9._~-]*)*$/, {
        error: 'must be path segments of letters, digits and . _ ~ - such as orders or shop/orders',
      })
      .describe('Answers on /hooks/<team slug>/<path>'),
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
    respond: z
      .enum(['result', 'immediate'])
      .default('immediate')
      .describe('`result` answers with the output, `immediate` with 202 and the execution’s id'),
  })
  .meta({ id: 'WebhookTrigger' });

/** What starts executions of the published version. */
export const trigger = z.discriminatedUnion('type', [webhookTrigger]);

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

/** The workflow graph. */
export const definition = z
  .strictObject({
    nodes: z.array(node).min(1).max(limits.nodes),
    edges: z.array(edge).max(limits.edges).default([]),
    triggers: z.array(trigger).max(limits.triggers).default([]),
    output: json.optional().describe('The execution’s output; the results of the end nodes when absent'),
  })
  .meta({ id: 'WorkflowDefinition', examples: [orderExample] });

export type Node = z.infer<typeof node>;
export type Edge = z.infer<typeof edge>;
export type Trigger = z.infer<typeof trigger>;
export type Definition = z.infer<typeof definition>;
