import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

const yearInSeconds = 366 * 24 * 3600;

export const delay = defineNode({
  type: 'delay',
  title: 'Delay',
  description: 'Waits for some seconds or until a time, without using a worker meanwhile.',
  params: z
    .strictObject({
      seconds: z.number().min(0).max(yearInSeconds).optional().describe('Up to a year'),
      until: z.iso
        .datetime({ offset: true })
        .optional()
        .describe('ISO 8601 with a time zone; a time in the past does not wait'),
    })
    .refine(({ seconds, until }) => (seconds === undefined) !== (until === undefined), {
      error: 'give either seconds or until',
    }),
  run({ seconds, until }) {
    const wait = seconds === undefined ? { until: new Date(until ?? 0) } : { seconds };
    return { output: null, wait };
  },
});
