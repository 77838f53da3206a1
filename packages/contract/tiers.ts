import { z } from 'zod';

/** The tiers of callers, on users and API keys, from the least to the most. */
export const tier = z.enum(['basic', 'premium', 'unlimited']);
export type Tier = z.infer<typeof tier>;

/**
 * How many calls a tier has, by how much it multiplies what a procedure's own limit says, and how many streams and WebSockets one
 * user, with all of their API keys, has open in one process.
 */
export type TierLimits = { perMinute: number; perHour: number; procedureTimes: number; streams: number };

/** What each tier may; null is without limits. */
export const tierLimits: Readonly<Record<Tier, TierLimits | null>> = {
  basic: { perMinute: 60, perHour: 1_000, procedureTimes: 1, streams: 100 },
  premium: { perMinute: 600, perHour: 20_000, procedureTimes: 10, streams: 500 },
  unlimited: null,
};
