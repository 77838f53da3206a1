import type { Migration } from 'kysely/migration';
import * as foundation from './0001-foundation.ts';
import * as idempotency from './0002-idempotency.ts';
import * as eventSequence from './0003-event-sequence.ts';
import * as triggers from './0004-triggers.ts';
import * as credentials from './0005-credentials.ts';
import * as identity from './0006-identity.ts';
import * as waits from './0007-waits.ts';
import * as restarts from './0008-restarts.ts';
import * as queueing from './0009-queueing.ts';
import * as versionNotes from './0010-version-notes.ts';
import * as webhooks from './0011-webhooks.ts';
import * as retention from './0012-retention.ts';
import * as teams from './0013-teams.ts';
import * as audit from './0014-audit.ts';
import * as identities from './0015-identities.ts';
import * as guests from './0016-guests.ts';
import * as definitions from './0017-definitions.ts';
import * as progress from './0018-progress.ts';
import * as executionLists from './0019-execution-lists.ts';

/** Every migration by name, in the order in which they run. */
export const migrations: Record<string, Migration> = {
  '0001-foundation': foundation,
  '0002-idempotency': idempotency,
  '0003-event-sequence': eventSequence,
  '0004-triggers': triggers,
  '0005-credentials': credentials,
  '0006-identity': identity,
  '0007-waits': waits,
  '0008-restarts': restarts,
  '0009-queueing': queueing,
  '0010-version-notes': versionNotes,
  '0011-webhooks': webhooks,
  '0012-retention': retention,
  '0013-teams': teams,
  '0014-audit': audit,
  '0015-identities': identities,
  '0016-guests': guests,
  '0017-definitions': definitions,
  '0018-progress': progress,
  '0019-execution-lists': executionLists,
};
