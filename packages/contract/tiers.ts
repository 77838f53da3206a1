import { z } from 'zod';

/** The tiers of callers, on users and API keys. */
export const tier = z.enum(['basic', 'premium', 'unlimited']);
export type Tier = z.infer<typeof tier>;
