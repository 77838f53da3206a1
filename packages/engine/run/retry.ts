import type { Retry } from '@flowplane/contract/definition';

/**
 * Milliseconds before the next attempt; undefined when there is none: the attempts are used up, or the failure is not one of
 * those to retry.
 *
 * @param failed.attempt the attempt that failed, from 1; `afterMs` what the failure itself asks to wait at least.
 * @param random of 0 to 1, for the jitter.
 */
export function retryDelay(
  retry: Retry,
  failed: { attempt: number; code: string; afterMs?: number | undefined },
  random: () => number,
): number | undefined {
  if (failed.attempt >= retry.maxAttempts) return undefined;
  if (retry.on && !retry.on.includes(failed.code)) return undefined;
  const interval = Math.min(retry.intervalMs * retry.backoffRate ** (failed.attempt - 1), retry.maxIntervalMs);
  const jittered = retry.jitter === 'full' ? interval * random() : interval;
  return Math.max(jittered, failed.afterMs ?? 0);
}
