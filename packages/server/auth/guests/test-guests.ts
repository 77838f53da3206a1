import { randomInt } from 'node:crypto';
import { type SignedIn, signedIn } from '@flowplane/contract/auth';
import { appRouter } from '../../api.ts';
import type { Context, Principal } from '../../context.ts';
import { call, type testApi } from '../../test-api.ts';
import { authenticate } from '../authenticate.ts';
import { sentBack } from '../test-auth.ts';

type Api = Awaited<ReturnType<typeof testApi>>;
type Host = Awaited<ReturnType<Api['member']>>;

/** An address that no other guest of a test comes from. */
export function anyAddress(): string {
  return `198.${randomInt(18, 20)}.${randomInt(256)}.${randomInt(256)}`;
}

/** A guest who came over the API: `api` calls procedures as it, `as` makes contexts. */
export async function newGuest(api: Api, { as }: Pick<Host, 'as'>, ip = anyAddress()) {
  const ctx: Context = as(undefined);
  const answer = await call({ ...ctx, request: { ...ctx.request, ip } }, 'auth.guests.create', undefined);
  const made: SignedIn = signedIn.strict().parse(answer);
  const cookie = sentBack(ctx.response.cookies[0] ?? '');
  const whoSends = async (accessToken: string, auth = api.auth) =>
    authenticate(auth, { authorization: `Bearer ${accessToken}` }, 'GET');
  const principal: Principal | undefined = await whoSends(made.accessToken);
  if (!principal) throw new Error('a fresh guest must be somebody');
  return {
    ...made,
    cookie,
    principal,
    whoSends,
    as: () => as(principal),
    api: appRouter.createCaller(as(principal)),
  };
}
