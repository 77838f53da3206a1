import type { Trigger } from '@flowplane/contract/definition';
import type { FieldError } from '@flowplane/contract/errors';
import { cronErrors } from './cron.ts';

/** What is wrong with the times of schedule triggers, by field. */
export function scheduleErrors(triggers: readonly Trigger[]): FieldError[] {
  const now = new Date();
  return triggers.flatMap((trigger, index) => {
    if (trigger.type !== 'schedule') return [];
    return cronErrors(trigger, now).map(({ path, message }) => ({ path: `triggers[${index}].${path}`, message }));
  });
}
