import { json } from '@flowplane/contract/json';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

const yearInSeconds = 366 * 24 * 3600;

/** The `workflow.call` node: another workflow as a step. */
export const workflowCall = defineNode({
  type: 'workflow.call',
  title: 'Call workflow',
  description:
    'Starts the published version of another workflow and waits for its end, without using a worker meanwhile. The result is its output; its failure fails the node with call_failed.',
  params: z.strictObject({
    workflowId: z.guid({ error: 'must be the id of a workflow' }).meta({ title: 'Workflow', description: 'Its id' }),
    input: json.default(null).meta({ title: 'Input', description: 'What the other workflow is started with' }),
    onParentEnd: z.enum(['cancel', 'leave']).default('cancel').meta({
      title: 'When this ends first',
      description: '`cancel` ends the other execution too, `leave` lets it go on',
    }),
    timeoutSeconds: z
      .number()
      .min(1)
      .max(yearInSeconds)
      .optional()
      .meta({ title: 'Timeout', description: 'Seconds to wait at most' }),
  }),
  effect: true,
  example: {
    definition: {
      nodes: [
        {
          id: 'price',
          type: 'workflow.call',
          params: { workflowId: '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f', input: { net: '{{ input.net }}' } },
        },
        { id: 'offer', type: 'transform', params: { value: 'It costs {{ nodes.price }} €' } },
      ],
      edges: [{ from: 'price', to: 'offer' }],
    },
    input: { net: 100 },
    calls: {
      '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f': {
        nodes: [{ id: 'gross', type: 'transform', params: { value: '{{ input.net * 1.2 }}' } }],
      },
    },
    output: 'It costs 120 €',
  },
  async run({ workflowId, input, onParentEnd, timeoutSeconds }, { call }) {
    const childId = await call({ workflowId, input, onParentEnd });
    return { output: null, suspend: { kind: 'call', childId, timeoutSeconds } };
  },
});
