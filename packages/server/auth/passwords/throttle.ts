import { Refusal } from '@flowplane/contract/errors';
import { limits } from '@flowplane/contract/limits';
import {
  type IRateLimiterOptions,
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRes,
} from 'rate-limiter-flexible';
import { addressBucket } from '../address.ts';
import { sha256 } from '../secrets.ts';

/** Makes a counter. Processes that are to count together are given one on a store that they share. */
export type LimiterStore = (options: IRateLimiterOptions) => RateLimiterAbstract;

/** The counters of one kind of key: attempts so far, and what waits at present. */
type Counted = { attempts: RateLimiterAbstract; waits: RateLimiterAbstract; free: number };

/** Who tries: an account by its email, an address, or both. */
export type Who = { account?: string; ip?: string };

/** Bounds how often secrets are guessed and mails are asked for. One per process. */
export type Throttle = {
  account: Counted;
  address: Counted;
  mails: RateLimiterAbstract;
  guests: RateLimiterAbstract;
  invitations: RateLimiterAbstract;
};

/** Too many attempts: the caller is told when to come back. */
export class Throttled extends Refusal {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('rate_limited', `Too many attempts: try again in ${retryAfterSeconds} seconds.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const hour = 3_600;
/** The longest wait (seconds): who forgot a password, or is locked out by somebody else's guesses, gets on in this time. */
const longestWait = 900;

export function inMemory(options: IRateLimiterOptions): RateLimiterAbstract {
  return new RateLimiterMemory(options);
}

/**
 * Prepares counters: five attempts an hour on an account and fifty from an address are free, each further one doubles the wait
 * before the next, from a second up to fifteen minutes. Three mails an hour go to an account, so many guests come from an address, and a
 * user invites a hundred people.
 */
export function createThrottle(store: LimiterStore = inMemory): Throttle {
  const counted = (kind: string, free: number): Counted => ({
    attempts: store({ keyPrefix: `attempts_${kind}`, points: free, duration: hour }),
    waits: store({ keyPrefix: `waits_${kind}`, points: 1, duration: longestWait }),
    free,
  });
  return {
    account: counted('account', 5),
    address: counted('address', 50),
    mails: store({ keyPrefix: 'mails', points: 3, duration: hour }),
    invitations: store({ keyPrefix: 'invitations', points: 100, duration: hour }),
    guests: store({ keyPrefix: 'guests', points: limits.guest.perAddressPerHour, duration: hour }),
  };
}

function throttled({ msBeforeNext }: RateLimiterRes): Throttled {
  return new Throttled(Math.max(1, Math.ceil(msBeforeNext / 1_000)));
}

/** Takes a place in a counter. @throws Throttled when there is none; else whatever the store fails with. */
async function take(limiter: RateLimiterAbstract, key: string, seconds?: number): Promise<void> {
  try {
    await limiter.consume(key, 1, seconds === undefined ? {} : { customDuration: seconds });
  } catch (refused) {
    throw refused instanceof RateLimiterRes ? throttled(refused) : refused;
  }
}

/** Counts an attempt before it is made, so that those made at once count as well. What is refused does not count. */
async function count({ attempts, waits, free }: Counted, key: string): Promise<void> {
  const waiting = await waits.get(key);
  if (waiting && waiting.consumedPoints > 0) throw throttled(waiting);
  const { consumedPoints } = await attempts.penalty(key);
  if (consumedPoints > free) await take(waits, key, Math.min(longestWait, 2 ** (consumedPoints - free - 1)));
}

async function forgive({ attempts, waits }: Counted, key: string): Promise<void> {
  await Promise.all([attempts.delete(key), waits.delete(key)]);
}

/**
 * Lets a secret be tried. A right one clears the account's count; from an address it only is not counted, because who guesses at
 * many accounts may own one. An attempt that failed for another reason than being wrong is not counted either.
 *
 * @param verify whether the secret is right.
 * @throws Throttled when the account or the address has to wait.
 */
export async function guess(
  throttle: Throttle,
  { account, ip }: Who,
  verify: () => Promise<boolean>,
): Promise<boolean> {
  const address = ip === undefined ? undefined : addressBucket(ip);
  // Emails are kept only as hashes: whoever reads the store does not learn who has an account.
  const owner = account === undefined ? undefined : sha256(account);
  const uncount = async () => {
    if (address) await throttle.address.attempts.reward(address);
  };
  const uncounted = async (error: unknown): Promise<never> => {
    await uncount();
    throw error;
  };
  if (address) await count(throttle.address, address);
  if (owner) await count(throttle.account, owner).catch(uncounted);
  const right = await verify().catch(async (error: unknown) => {
    if (owner) await throttle.account.attempts.reward(owner);
    return uncounted(error);
  });
  if (right) {
    await uncount();
    if (owner) await forgive(throttle.account, owner);
  }
  return right;
}

/** Counts a request that costs a mail against its address. @throws Throttled */
export function countAddress(throttle: Throttle, ip: string): Promise<void> {
  return count(throttle.address, addressBucket(ip));
}

/** Takes one of the mails that may go to an account in an hour. @throws Throttled when they are used up. */
export function takeMail(throttle: Throttle, email: string): Promise<void> {
  return take(throttle.mails, sha256(email));
}

/** Takes one of the guests that may come from an address in an hour. @throws Throttled when they are used up. */
export function takeGuest(throttle: Throttle, ip: string): Promise<void> {
  return take(throttle.guests, addressBucket(ip));
}

/** Takes one of the invitations that a user may send in an hour. @throws Throttled when they are used up. */
export function takeInvitation(throttle: Throttle, userId: string): Promise<void> {
  return take(throttle.invitations, userId);
}
