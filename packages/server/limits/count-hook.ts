import { sha256 } from '../auth/secrets.ts';
import type { WebhookAddress } from '../hooks/webhooks.ts';
import { addressKey } from './address-key.ts';
import { requestLimits, take } from './count-call.ts';
import type { Limiter } from './limiter.ts';
import { perMinute } from './quota.ts';

/**
 * How many times as often as the API without signing in an address may call one webhook: senders are services, which send from few
 * addresses for all of their customers, and often many events at once.
 */
const times = 10;

/**
 * Counts a call of a webhook against its address and that webhook.
 *
 * @param headers those of the answer, which are added to.
 * @throws Refusal `rate_limited`, and the call is not counted.
 */
export function countHook(
  limiter: Limiter | undefined,
  { ip, hook }: { ip: string; hook: WebhookAddress },
  headers: Record<string, string>,
): void {
  if (!limiter) return;
  // Hashed, because a path may be long.
  const key = `hook:${addressKey(ip)} ${sha256(`${hook.slug} ${hook.method} ${hook.path}`)}`;
  take(requestLimits(limiter), [{ key, quota: perMinute(limiter.anonymousPerMinute * times) }], headers);
}
