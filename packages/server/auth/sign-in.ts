import type { SignedIn } from '@flowplane/contract/auth';
import type { Tier } from '@flowplane/contract/tiers';
import type { Auth } from './auth.ts';
import { createSession, type SignInFrom } from './sessions/sessions.ts';
import { endSurplusSessions } from './sessions/surplus-sessions.ts';
import { createRefreshToken } from './tokens/refresh.ts';
import { signAccessToken } from './tokens/tokens.ts';

/** An account as it signs in: who, and as what in which team. */
export type Account = { user: SignedIn['user']; team: SignedIn['team']; role: string; tier: Tier };

/** A sign-in: what the caller is told, the `Set-Cookie` value for browsers, and its session. */
export type SignIn = { signedIn: SignedIn; cookie: string; sessionId: string };

/** Starts a session for an account, with its cookie, access token and refresh token. */
export async function signIn(auth: Auth, { user, team, role, tier }: Account, from: SignInFrom): Promise<SignIn> {
  const who = { userId: user.id, teamId: team.id };
  const { sessionId, cookie } = await createSession(auth, who, from);
  await endSurplusSessions(auth, user.id);
  const [refreshToken, access] = await Promise.all([
    createRefreshToken(auth.database.db, sessionId),
    signAccessToken(auth, { ...who, sessionId, role, tier }),
  ]);
  return { signedIn: { user, team, ...access, refreshToken }, cookie, sessionId };
}
