import type { Permission } from '@flowplane/contract/permissions';
import type { Tier } from '@flowplane/contract/tiers';
import type { Database } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import type { AuditRule } from './audit/resource.ts';
import type { Auth } from './auth/auth.ts';
import type { Vault } from './credentials/vault.ts';
import type { Webhooks } from './hooks/webhooks.ts';
import type { RequestLimits } from './limits/count-call.ts';

/** Who calls: found from the session cookie, the access token or the API key before any procedure runs. */
export type Principal = {
  kind: 'session' | 'jwt' | 'apiKey' | 'clerk';
  userId: string;
  teamId: string;
  /** The name of what they are in the team: a built-in role, or one that the team has defined. */
  role: string;
  permissions: ReadonlySet<Permission>;
  tier: Tier;
  /** The sign-in behind a session or an access token; null for an API key and for a token of Clerk. */
  sessionId: string | null;
  /** The API key that was sent; `tier` is what it may, `ownerTier` what all keys of its owner may together. */
  apiKey?: { id: string; prefix: string; expiresAt: Date | null; ownerTier: Tier };
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
  /** How the procedure that runs is audited, where its meta says so. */
  audit?: AuditRule | undefined;
  /** What counts the calls of this request; absent without limits. */
  limits?: RequestLimits | undefined;
  /** Asks again who calls, for what outlives the request: a stream. Rejects when that cannot be found out. */
  authenticateAgain?: (() => Promise<Principal | undefined>) | undefined;
  request: {
    id: string;
    ip: string;
    userAgent: string | undefined;
    idempotencyKey?: string | undefined;
    /** Whether another site's page makes it. */
    isCrossSite?: boolean;
  };
  response: ResponseHints;
};
