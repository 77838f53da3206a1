import type { Database } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import type { Auth } from '@flowplane/server/auth/auth';
import type { Vault } from '@flowplane/server/credentials/vault';
import type { Webhooks } from '@flowplane/server/hooks/webhooks';
import type { Limiter } from '@flowplane/server/limits/limiter';
import type { Redis } from 'ioredis';

/** What requests are answered with. Built once by `main.ts`. */
export type Services = {
  database: Database;
  engine: Engine;
  auth: Auth;
  webhooks: Webhooks;
  vault: Vault;
  redis: Redis | undefined;
  /** Counts calls; undefined when limits are off. */
  limiter: Limiter | undefined;
};
