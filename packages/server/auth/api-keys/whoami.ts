import type { whoami as whoamiOutput } from '@flowplane/contract/auth';
import type { z } from 'zod';
import type { Principal } from '../../context.ts';
import { me } from '../accounts.ts';
import type { Auth } from '../auth.ts';

/**
 * The credential of the caller: its kind, whom it speaks for, and what it may do.
 *
 * @throws Refusal `unauthenticated` when the account is gone.
 */
export async function whoami(auth: Auth, principal: Principal): Promise<z.output<typeof whoamiOutput>> {
  const { user, team, role, permissions, tier } = await me(auth, principal);
  return { kind: principal.kind, user, team, role, permissions, tier, apiKey: principal.apiKey ?? null };
}
