import type { Permission, Role } from '@flowplane/contract/permissions';
import type { Tier } from '@flowplane/contract/tiers';
import type { Database } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import type { Auth } from './auth/auth.ts';
import type { Vault } from './credentials/vault.ts';
import type { Webhooks } from './hooks/webhooks.ts';
import type { RequestLimits } from './limits/count-call.ts';

/** Who calls: found from the session cookie, the access token or the API key before any procedure runs. */
export type Principal = {
  kind: 'session' | 'jwt' | 'apiKey';
  userId: string;
  teamId: string;
  role: Role;
  permissions: ReadonlySet<Permission>;
  tier: Tier;
  /** The sign-in behind a session or an access token; null for an API key. */
  sessionId: string | null;
  /** The API key that was sent. */
  apiKey?: { id: string; prefix: string; expiresAt: Date | null };
};

/** What a procedure may say about the HTTP answer. */
export type ResponseHints = { status?: number; headers: Record<string, string>; cookies: string[] };

/** What every procedure receives. */
export type Context = {
  database: Database;
  engine: Engine;
  auth: Auth;
  webhooks: Webhooks;
  vault: Vault;
  principal: Principal | undefined;
  /** What counts the calls of this request; absent without limits. */
  limits?: RequestLimits | undefined;
  /** Asks again who calls, for what outlives the request: a stream. Rejects when that cannot be found out. */
  authenticateAgain?: (() => Promise<Principal | undefined>) | undefined;
  request: { id: string; ip: string; userAgent: string | undefined; idempotencyKey?: string | undefined };
  response: ResponseHints;
};
