import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

const yearInSeconds = 366 * 24 * 3600;

export const delay = defineNode({
  type: 'delay',
  title: 'Delay',
  description: 'Waits for some seconds or until a time, without using a worker meanwhile.',
  params: z
    .strictObject({
      seconds: z
        .number()
        .min(0)
        .max(yearInSeconds)
        .optional()
        .meta({ title: 'Seconds', description: 'Up to a year', examples: [30] }),
      until: z.iso
        .datetime({ offset: true })
        .optional()
        .meta({
          title: 'Until',
          description: 'ISO 8601 with a time zone; a time in the past does not wait',
          examples: ['2030-01-01T08:00:00+01:00'],
        }),
    })
    .refine(({ seconds, until }) => (seconds === undefined) !== (until === undefined), {
      error: 'give either seconds or until',
    }),
  example: {
    definition: {
      nodes: [
        { id: 'pause', type: 'delay', params: { seconds: 0.1 } },
        { id: 'after', type: 'transform', params: { value: 'later' } },
      ],
      edges: [{ from: 'pause', to: 'after' }],
    },
    output: 'later',
  },
  run({ seconds, until }) {
    const wait = seconds === undefined ? { until: new Date(until ?? 0) } : { seconds };
    return { output: null, wait };
  },
});
