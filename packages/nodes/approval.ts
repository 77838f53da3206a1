import { approvalRequest } from '@flowplane/contract/approval';
import { limits } from '@flowplane/contract/limits';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

/** The `approval` node: goes on when somebody has decided. */
export const approval = defineNode({
  type: 'approval',
  title: 'Approval',
  description:
    'Waits until somebody approves or rejects, without using a worker meanwhile; takes the port `approved` or `rejected`. The result is {approved, fields, by, at}. Fails with wait_timeout when nobody decides in time.',
  params: approvalRequest.extend({
    timeoutSeconds: z.number().min(1).max(limits.executionSeconds).optional().meta({
      title: 'Timeout',
      description: 'Seconds to wait at most; as long as the execution may take when absent',
    }),
  }),
  asks: true,
  example: {
    definition: {
      nodes: [
        {
          id: 'ask',
          type: 'approval',
          params: {
            title: 'Refund {{ input.total }} € to {{ input.name }}?',
            details: '{{ input }}',
            fields: [{ name: 'reason', label: 'Why?', required: true }],
            timeoutSeconds: 86_400,
          },
        },
        { id: 'refund', type: 'transform', params: { value: 'Refunded: {{ nodes.ask.fields.reason }}' } },
        { id: 'keep', type: 'transform', params: { value: 'Not refunded: {{ nodes.ask.fields.reason }}' } },
      ],
      edges: [
        { from: 'ask', port: 'approved', to: 'refund' },
        { from: 'ask', port: 'rejected', to: 'keep' },
      ],
      output: '{{ nodes.refund ?? nodes.keep }}',
    },
    input: { name: 'Ada', total: 70 },
    arrives: { decision: { approved: true, fields: { reason: 'Damaged on the way' } } },
    output: 'Refunded: Damaged on the way',
  },
  ports: () => ['approved', 'rejected'],
  run: ({ timeoutSeconds, ...request }) => ({ output: null, suspend: { kind: 'approval', request, timeoutSeconds } }),
});
