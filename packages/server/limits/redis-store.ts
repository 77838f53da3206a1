import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { LimiterStore } from '../auth/passwords/throttle.ts';
import type { RedisClient } from './sharing.ts';

/** Counters in Redis, which processes share; each counts for itself while Redis is away. For what is rare: each count is a round trip. */
export function redisStore(redis: RedisClient): LimiterStore {
  return (options) =>
    new RateLimiterRedis({
      ...options,
      storeClient: redis,
      rejectIfRedisNotReady: true,
      insuranceLimiter: new RateLimiterMemory(options),
    });
}
