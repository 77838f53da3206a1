import { z } from 'zod';
import { id } from './id.ts';
import { page, pageInput } from './page.ts';
import { text } from './text.ts';

/** When a schedule fires. What a cron expression may be is checked where schedules are worked out. */
export const cron = text
  .min(1)
  .max(100)
  .meta({
    description:
      'Minute, hour, day of the month, month and weekday, with seconds before them if wanted; or `@hourly`, `@daily`, ' +
      '`@weekly`, `@monthly`, `@yearly`',
    examples: ['0 3 * * *'],
  });

export const timezone = text
  .min(1)
  .max(64)
  .default('UTC')
  .meta({ description: 'An IANA time zone, whose clock the cron expression is about', examples: ['Europe/Paris'] });

export const overlap = z
  .enum(['skip', 'queue', 'cancel-previous'])
  .default('skip')
  .describe(
    'When it fires while an execution that it started is under way: leave this one out, start it after that one, or cancel ' +
      'that one',
  );
export type Overlap = z.infer<typeof overlap>;

export const catchUp = z
  .enum(['none', 'last', 'all'])
  .default('last')
  .describe('What is made up for after an outage: nothing, the last missed fire, or each (100 at most)');
export type CatchUp = z.infer<typeof catchUp>;

const fireTimes = z.array(z.date());

export const schedule = z
  .object({
    id,
    workflowId: id,
    triggerId: z.string().meta({ examples: ['nightly'] }),
    cron: z.string().meta({ examples: ['0 3 * * *'] }),
    timezone: z.string().meta({ examples: ['Europe/Paris'] }),
    jitterSeconds: z.int(),
    overlap: overlap.unwrap(),
    catchUp: catchUp.unwrap(),
    paused: z.boolean().meta({ description: 'A paused schedule does not fire', examples: [false] }),
    nextFireTimes: fireTimes.describe('The next five, jitter included; none while it is paused'),
    lastFiredAt: z.date().nullable().describe('When it last started an execution'),
    lastExecutionId: id.nullable(),
  })
  .meta({ id: 'Schedule' });
export type Schedule = z.infer<typeof schedule>;

export const scheduleListInput = pageInput;
export const schedulesOfWorkflowInput = pageInput.extend({ id });
export const scheduleGetInput = z.strictObject({ id });
export const schedulePage = page(schedule).meta({ id: 'SchedulePage' });

export const schedulePreviewInput = z.strictObject({ cron, timezone });
export const schedulePreview = z
  .object({ nextFireTimes: fireTimes.describe('The next ten, without jitter') })
  .meta({ id: 'SchedulePreview' });
