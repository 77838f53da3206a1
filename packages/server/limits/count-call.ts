import { Refusal } from '@flowplane/contract/errors';
import type { Context, Principal } from '../context.ts';
import { addressKey } from './address-key.ts';
import type { Limiter } from './limiter.ts';
import { type Allowance, allowanceOf, anonymousAllowance, type Demand, demandsOf } from './quota.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import type { Standing } from './windows.ts';

/** What counts the calls of one request, of which a batch has several: how far the quotas are used up after those so far. */
export type RequestLimits = { limiter: Limiter; standings: Standing[] };

export function requestLimits(limiter: Limiter): RequestLimits {
  return { limiter, standings: [] };
}

/** The later of what is said about each quota. */
function merged(before: Standing[], now: Standing[]): Standing[] {
  if (before.length === 0) return now;
  return [...now, ...before.filter(({ quota }) => !now.some((one) => one.quota.label === quota.label))];
}

/**
 * What a caller's calls count against. The keys of one owner share what the owner's tier has, or whoever made more keys had more
 * calls; a key of a lesser tier has its own bound besides. What the owner does signed in is apart, so that no key can lock them out.
 */
function allowancesOf({ apiKey, userId, tier }: Principal): (Allowance | undefined)[] {
  if (!apiKey) return [allowanceOf(tier, `user:${userId}`)];
  const keys = `keys:${userId}`;
  if (apiKey.ownerTier === tier) return [allowanceOf(tier, keys)];
  return [allowanceOf(tier, `key:${apiKey.id}`), allowanceOf(apiKey.ownerTier, keys, 'owner.')];
}

/**
 * Counts against all of the quotas, and says so in the headers.
 *
 * @throws Refusal `rate_limited`, and nothing is counted.
 */
export function take(limits: RequestLimits, demands: Demand[], headers: Record<string, string>): void {
  const { standings, waitMs } = limits.limiter.windows.count(demands);
  limits.standings = merged(limits.standings, standings);
  Object.assign(headers, rateLimitHeaders(limits.standings));
  if (waitMs === 0) return;
  const seconds = Math.ceil(waitMs / 1_000);
  headers['retry-after'] = String(Math.max(seconds, Number(headers['retry-after'] ?? 0)));
  throw new Refusal('rate_limited', `Too many requests: try again in ${seconds} seconds.`);
}

/**
 * Counts a call of a procedure: against the user who is signed in, else the API keys of one owner, else the address.
 *
 * The headers of the answer say how far the quotas are used up, and `Retry-After` when to come back.
 *
 * @param procedure its dotted path, and its own limit if it has one.
 * @throws Refusal `rate_limited`, and the call is not counted.
 */
export function countCall(
  { limits, principal, request, response }: Pick<Context, 'limits' | 'principal' | 'request' | 'response'>,
  procedure: { path: string; perMinute: number | undefined },
): void {
  if (!limits) return;
  const { path, perMinute } = procedure;
  const anonymous = () => anonymousAllowance(limits.limiter.anonymousPerMinute, addressKey(request.ip));
  const own = perMinute === undefined ? undefined : { path, perMinute };
  const allowances = principal ? allowancesOf(principal) : [anonymous()];
  const demands = allowances.flatMap((allowance) => (allowance ? demandsOf(allowance, own) : []));
  if (demands.length > 0) take(limits, demands, response.headers);
}

/**
 * Counts what an address does without being signed in: credentials that are no good, a token asked for, a webhook guessed.
 *
 * @param headers those of the answer, which are added to.
 * @throws Refusal `rate_limited`.
 */
export function countAddress(limiter: Limiter | undefined, ip: string, headers: Record<string, string>): void {
  if (!limiter) return;
  const who = anonymousAllowance(limiter.anonymousPerMinute, addressKey(ip));
  take(requestLimits(limiter), demandsOf(who, undefined), headers);
}
