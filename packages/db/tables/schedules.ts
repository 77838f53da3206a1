import type { Json } from '@flowplane/contract/json';
import type { CatchUp, Overlap } from '@flowplane/contract/schedule';
import type { Generated, JSONColumnType } from 'kysely';

/** The schedules of published versions. */
export type SchedulesTable = {
  id: string;
  team_id: string;
  workflow_id: string;
  trigger_id: string;
  cron: string;
  timezone: string;
  jitter_seconds: number;
  overlap: Overlap;
  catch_up: CatchUp;
  input: JSONColumnType<{ [key: string]: Json }>;
  paused: Generated<boolean>;
  /** The first slot that nobody has looked at yet: a time that the cron expression names. Null when there is none to come. */
  next_fire_at: Date | null;
  /** Slots that were due and have not been started yet, oldest first. */
  waiting: Generated<Date[]>;
  /** When somebody should look at it: the next slot with its jitter, or the end of a claim. Null when paused or over. */
  due_at: Date | null;
  /** Raised by every claim and publication; a scheduler's write that names an older one is refused. */
  fence: Generated<string>;
  last_fired_at: Date | null;
  last_execution_id: string | null;
};
