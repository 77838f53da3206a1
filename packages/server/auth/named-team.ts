import { id } from '@flowplane/contract/id';
import { z } from 'zod';
import type { Context, Principal } from '../context.ts';
import { asTrpcError } from '../trpc-error.ts';
import { inNamedTeam } from './chosen-team.ts';

const named = z.object({ id });

/**
 * The caller in the team that the input's `id` names. As they are where it names none: the input is refused for that.
 *
 * @throws TRPCError `NOT_FOUND` for a team that they are not in.
 */
export async function callerIn(ctx: Context, getRawInput: () => Promise<unknown>): Promise<Principal | undefined> {
  const { principal } = ctx;
  if (!principal) return undefined;
  const { data } = named.safeParse(await getRawInput());
  try {
    return data ? await inNamedTeam(ctx.auth, principal, data.id) : principal;
  } catch (error) {
    throw asTrpcError(error);
  }
}
