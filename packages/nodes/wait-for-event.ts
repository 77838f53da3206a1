import { json } from '@flowplane/contract/json';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

const yearInSeconds = 366 * 24 * 3600;

/** The `waitForEvent` node: goes on when a matching event is posted. */
export const waitForEvent = defineNode({
  type: 'waitForEvent',
  title: 'Wait for event',
  description:
    'Waits until an event of that name is posted whose data contains what match says; the result is the event’s data. Events from before the step began do not count. Fails with wait_timeout when none comes in time.',
  params: z.strictObject({
    event: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .meta({ title: 'Event', description: 'Its name', examples: ['order.paid'] }),
    match: z
      .record(z.string().max(200), json)
      .default({})
      .meta({
        title: 'Match',
        description: 'Fields that the event’s data must have, with these values',
        examples: [{ orderId: '{{ input.orderId }}' }],
      }),
    timeoutSeconds: z.number().min(1).max(yearInSeconds).optional().meta({
      title: 'Timeout',
      description: 'Seconds to wait at most; as long as the execution may take when absent',
    }),
  }),
  example: {
    definition: {
      nodes: [
        {
          id: 'paid',
          type: 'waitForEvent',
          params: { event: 'order.paid', match: { orderId: '{{ input.orderId }}' }, timeoutSeconds: 86_400 },
        },
        { id: 'thanks', type: 'transform', params: { value: 'Thank you for {{ nodes.paid.amount }} €' } },
      ],
      edges: [{ from: 'paid', to: 'thanks' }],
    },
    input: { orderId: 41 },
    arrives: { event: 'order.paid', data: { orderId: 41, amount: 70 } },
    output: 'Thank you for 70 €',
  },
  run: ({ event, match, timeoutSeconds }) => ({
    output: null,
    suspend: { kind: 'event', event, match, timeoutSeconds },
  }),
});
