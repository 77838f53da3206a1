import type { user } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import type { userUpdateInput } from '@flowplane/contract/user';
import type { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import type { Principal } from '../context.ts';

/**
 * Changes what the caller may change of themselves.
 *
 * @throws Refusal `unauthenticated` when the account is gone.
 */
export async function updateMe(
  auth: Auth,
  { userId }: Principal,
  { name }: z.output<typeof userUpdateInput>,
): Promise<z.output<typeof user>> {
  const changed = await auth.database.db
    .updateTable('users')
    .set({ name })
    .where('id', '=', userId)
    .returning(['id', 'email', 'name'])
    .executeTakeFirst();
  if (!changed) throw new Refusal('unauthenticated', 'This account is gone.');
  return changed;
}
