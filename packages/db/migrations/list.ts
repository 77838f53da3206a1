import type { Migration } from 'kysely/migration';
import * as foundation from './0001-foundation.ts';
import * as idempotency from './0002-idempotency.ts';

/** Every migration by name, in the order in which they run. */
export const migrations: Record<string, Migration> = {
  '0001-foundation': foundation,
  '0002-idempotency': idempotency,
};
