import { type Tier, tier, tierLimits } from '@flowplane/contract/tiers';

/** How many calls are free in a window of so many seconds. */
export type Quota = {
  limit: number;
  seconds: number;
  /** Its name in the headers, as a string of a structured field. */
  label: string;
};

/** A quota that a call is counted against; callers with the same key share it. */
export type Demand = { key: string; quota: Quota };

/** A caller as far as it matters for limits: whose calls are counted together, and how many there may be. */
export type Allowance = {
  key: string;
  /** What goes before the names of its quotas in the headers. */
  of: '' | 'owner.';
  quotas: readonly Quota[];
  /** What a procedure's own limit is multiplied by. */
  procedureTimes: number;
};

/** @param name of letters and dots, which needs no escapes. */
export function perMinute(limit: number, name = 'minute'): Quota {
  return { limit, seconds: 60, label: `"${name}"` };
}

function quotasOf(name: Tier, of: Allowance['of']): readonly Quota[] {
  const limits = tierLimits[name];
  if (!limits) return [];
  return [perMinute(limits.perMinute, `${of}minute`), { limit: limits.perHour, seconds: 3_600, label: `"${of}hour"` }];
}

const ofTiers = {
  '': new Map(tier.options.map((name) => [name, quotasOf(name, '')])),
  'owner.': new Map(tier.options.map((name) => [name, quotasOf(name, 'owner.')])),
};

/** What somebody of a tier may; undefined when that is without limits. */
export function allowanceOf(name: Tier, key: string, of: Allowance['of'] = ''): Allowance | undefined {
  const limits = tierLimits[name];
  return limits ? { key, of, quotas: ofTiers[of].get(name) ?? [], procedureTimes: limits.procedureTimes } : undefined;
}

/** What an address may of which nobody is signed in. */
export function anonymousAllowance(limit: number, bucket: string): Allowance {
  return { key: `ip:${bucket}`, of: '', quotas: [perMinute(limit)], procedureTimes: 1 };
}

/**
 * The quotas that one call counts against: those of the caller, and the procedure's own.
 *
 * @param procedure its dotted path and its calls per minute, when it has a limit of its own.
 */
export function demandsOf(
  { key, of, quotas, procedureTimes }: Allowance,
  procedure: { path: string; perMinute: number } | undefined,
): Demand[] {
  const demands = quotas.map((quota) => ({ key, quota }));
  if (!procedure) return demands;
  const quota = perMinute(procedure.perMinute * procedureTimes, `${of}${procedure.path}`);
  return [...demands, { key: `${key} ${procedure.path}`, quota }];
}
