import type { SchedulesTable } from '@flowplane/db/tables/schedules';
import type { Selectable } from 'kysely';
import type { Timing } from './fires.ts';

type Row = Pick<Selectable<SchedulesTable>, 'id' | 'cron' | 'timezone' | 'jitter_seconds'>;

/** When the schedule of a row fires. */
export function timingOf({ id, cron, timezone, jitter_seconds: jitterSeconds }: Row): Timing {
  return { id, cron, timezone, jitterSeconds };
}
