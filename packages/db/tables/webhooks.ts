import type { WebhookVerification } from '@flowplane/contract/webhook';
import type { Generated, JSONColumnType } from 'kysely';

/** The webhooks of published versions. Where two workflows publish one path, the later publication answers. */
export type WebhooksTable = {
  workflow_id: string;
  trigger_id: string;
  team_id: string;
  method: string;
  path: string;
  /** What `like` matches paths with as many segments against; null for a path without parameters. */
  pattern: string | null;
  /** `0` for each segment as it is, `1` for a parameter: of several that match, the first in alphabetical order answers. */
  specificity: string;
  respond: 'result' | 'immediate' | 'stream';
  verify: JSONColumnType<WebhookVerification, string | null, string | null> | null;
  published_at: Generated<Date>;
};

/** Messages that signed webhooks have taken, until their signatures are too old to be taken again. */
export type WebhookMessagesTable = {
  workflow_id: string;
  trigger_id: string;
  /** SHA-256 of what names the message, hex. */
  message: string;
  /** Reserved before the execution is started. */
  execution_id: string;
  expires_at: Date;
};
