import type { Standing } from './windows.ts';

/**
 * The headers that say how far quotas are used up: `q` calls in `w` seconds, of which `r` remain for the next `t` seconds.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (revision 10)
 */
export function rateLimitHeaders(standings: readonly Standing[]): { 'ratelimit-policy': string; ratelimit: string } {
  let policy = '';
  let now = '';
  for (const { quota, remaining, resetsInMs } of standings) {
    const { label, limit, seconds } = quota;
    const comma = now === '' ? '' : ', ';
    policy += `${comma}${label};q=${limit};w=${seconds}`;
    now += `${comma}${label};r=${remaining};t=${Math.ceil(resetsInMs / 1_000)}`;
  }
  return { 'ratelimit-policy': policy, ratelimit: now };
}
