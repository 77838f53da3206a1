import { type Tier, tier } from '@flowplane/contract/tiers';

// The contract lists them from the least to the most.
const order = tier.options;

/** The lesser of two tiers. */
export function lesserTier(one: Tier, other: Tier): Tier {
  return order.indexOf(one) < order.indexOf(other) ? one : other;
}
