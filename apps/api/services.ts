import type { Database } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import type { Auth } from '@flowplane/server/auth/auth';
import type { Webhooks } from '@flowplane/server/hooks/webhooks';
import type { Redis } from 'ioredis';

/** What requests are answered with. Built once by `main.ts`. */
export type Services = {
  database: Database;
  engine: Engine;
  auth: Auth;
  webhooks: Webhooks;
  redis: Redis | undefined;
};
