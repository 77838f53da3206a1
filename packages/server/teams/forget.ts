import { afterCommit } from '@flowplane/db/transaction';
import type { Auth } from '../auth/auth.ts';

/**
 * Makes this process find out again who may do what, as soon as a change of members or roles is committed. Others do within a
 * second. Of everybody, because such changes are rare, and who is concerned would take queries to tell.
 */
export async function forgetPrincipals(auth: Auth): Promise<void> {
  await afterCommit(auth.database.db, () => {
    auth.sessionPrincipals.clear();
    auth.apiKeyPrincipals.clear();
    auth.memberships.clear();
    auth.identities.clerk?.principals.clear();
  });
}
