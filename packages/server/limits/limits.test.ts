import { Refusal } from '@flowplane/contract/errors';
import { type Tier, tier } from '@flowplane/contract/tiers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Context, Principal } from '../context.ts';
import { publicProcedure, router } from '../trpc.ts';
import { countAddress, countCall, requestLimits } from './count-call.ts';
import { countHook } from './count-hook.ts';
import { createLimiter, type Limiter } from './limiter.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function limiterOf(anonymousPerMinute = 100): Limiter {
  const limiter = createLimiter({ anonymousPerMinute });
  if (!limiter) throw new Error('these limits are on');
  return limiter;
}

function principalOf(tier: Tier, more: Partial<Principal> = {}): Principal {
  const who = { kind: 'jwt', userId: 'ann', teamId: 'team', role: 'admin', sessionId: null } as const;
  return { ...who, permissions: new Set(), tier, ...more };
}

/** An API key of Ann's, whose tier is the key's unless said otherwise. */
function keyOf(id: string, tier: Tier, { ownerTier = tier, ...more }: Partial<Principal> & { ownerTier?: Tier } = {}) {
  const apiKey = { id, prefix: 'fp', expiresAt: null, ownerTier };
  return principalOf(tier, { kind: 'apiKey', apiKey, ...more });
}

type Request = Pick<Context, 'limits' | 'principal' | 'request' | 'response'>;

function requestOf(limiter: Limiter | undefined, principal?: Principal, ip = '203.0.113.7'): Request {
  return {
    limits: limiter && requestLimits(limiter),
    principal,
    request: { id: 'req', ip, userAgent: undefined },
    response: { headers: {}, cookies: [] },
  };
}

/** What one request's headers say after a call; `refused` when it was. */
function call(request: Request, path = 'workflows.get', perMinute?: number) {
  let refused = false;
  try {
    countCall(request, { path, perMinute });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'rate_limited') throw error;
    refused = true;
  }
  const { 'ratelimit-policy': policy, ratelimit, 'retry-after': retryAfter } = request.response.headers;
  return { refused, policy, ratelimit, retryAfter };
}

function allowed(times: number, one: () => { refused: boolean }): number {
  return Array.from({ length: times }, one).filter(({ refused }) => !refused).length;
}

test.each([
  ['basic', 60, 1_000],
  ['premium', 600, 20_000],
] as const)('the tier %s has %i calls a minute and %i an hour', (name, perMinute, perHour) => {
  const limiter = limiterOf();
  const make = () => call(requestOf(limiter, principalOf(name)));
  expect(allowed(perMinute + 10, make)).toBe(perMinute);
  let inHour = perMinute;
  for (let minute = 1; minute < 60; minute += 1) {
    vi.advanceTimersByTime(60_000);
    inHour += allowed(perMinute, make);
  }
  expect(inHour).toBe(perHour);
  vi.advanceTimersByTime(60_000);
  expect(make().refused).toBe(false);
});

test('the tier unlimited has no limits, nor has anybody when they are off', () => {
  const limiter = limiterOf();
  const unlimited = () => call(requestOf(limiter, principalOf('unlimited')), 'agents.create', 1);
  expect(allowed(2_000, unlimited)).toBe(2_000);
  expect(unlimited()).toEqual({ refused: false });
  expect(createLimiter({ anonymousPerMinute: 0 })).toBeUndefined();
  expect(allowed(200, () => call(requestOf(undefined)))).toBe(200);
});

test('a refused call is counted nowhere, so that waiting a minute is enough', () => {
  const limiter = limiterOf();
  const make = () => call(requestOf(limiter, principalOf('basic')));
  expect(allowed(1_500, make)).toBe(60);
  vi.advanceTimersByTime(60_000);
  expect(make()).toMatchObject({ refused: false, ratelimit: '"minute";r=59;t=60, "hour";r=939;t=3540' });
});

test('the headers tell the limits, what remains, and when to come back', () => {
  const limiter = limiterOf();
  const first = call(requestOf(limiter, principalOf('basic')));
  expect(first).toEqual({
    refused: false,
    policy: '"minute";q=60;w=60, "hour";q=1000;w=3600',
    ratelimit: '"minute";r=59;t=60, "hour";r=999;t=3600',
  });
  vi.advanceTimersByTime(17_500);
  allowed(59, () => call(requestOf(limiter, principalOf('basic'))));
  expect(call(requestOf(limiter, principalOf('basic')))).toEqual({
    refused: true,
    policy: '"minute";q=60;w=60, "hour";q=1000;w=3600',
    ratelimit: '"minute";r=0;t=43, "hour";r=940;t=3583',
    retryAfter: '43',
  });
});

test('a procedure has a limit of its own beside that of all calls: ten times as high for premium', () => {
  const limiter = limiterOf();
  const create = (name: Tier) => () =>
    call(requestOf(limiter, principalOf(name, { userId: name })), 'agents.create', 5);
  expect(allowed(100, create('basic'))).toBe(5);
  expect(allowed(100, create('premium'))).toBe(50);
  expect(call(requestOf(limiter, principalOf('basic', { userId: 'basic' })), 'agents.list', 30)).toEqual({
    refused: false,
    policy: '"minute";q=60;w=60, "hour";q=1000;w=3600, "agents.list";q=30;w=60',
    ratelimit: '"minute";r=54;t=60, "hour";r=994;t=3600, "agents.list";r=29;t=60',
  });
  const anonymous = () => call(requestOf(limiter), 'agents.create', 5);
  expect(allowed(100, anonymous)).toBe(5);
});

test('every tier has limits or none on purpose', () => {
  const limiter = limiterOf();
  for (const name of tier.options) expect(call(requestOf(limiter, principalOf(name))).refused).toBe(false);
});

test('a user is counted whatever the session, team or address; so are the keys of one owner, and each address by itself', () => {
  const limiter = limiterOf();
  const left = (principal: Principal | undefined, ip?: string) =>
    /r=(\d+)/.exec(call(requestOf(limiter, principal, ip)).ratelimit ?? '')?.[1];
  expect(left(principalOf('basic'))).toBe('59');
  expect(left(principalOf('basic', { kind: 'session', sessionId: 's', teamId: 'other' }), '198.51.100.1')).toBe('58');
  expect(left(keyOf('one', 'basic'))).toBe('59');
  expect(left(keyOf('two', 'basic'))).toBe('58');
  expect(left(keyOf('one', 'basic', { teamId: 'other' }), '198.51.100.2')).toBe('57');
  expect(left(keyOf('three', 'basic', { userId: 'bob' }))).toBe('59');
  expect(left(undefined)).toBe('99');
  expect(left(undefined, '203.0.113.8')).toBe('99');
  expect(left(undefined)).toBe('98');
});

test('threat 33: however many keys somebody makes, together they have the calls of one caller', () => {
  const limiter = limiterOf();
  let made = 0;
  const fresh = (name: Tier) => () => {
    made += 1;
    return call(requestOf(limiter, keyOf(`key-${made}`, name)), 'agents.create', 5);
  };
  expect(allowed(100, fresh('basic'))).toBe(5);
  expect(allowed(500, () => call(requestOf(limiter, keyOf(`key-${Math.random()}`, 'basic'))))).toBe(55);
  // Nobody is locked out of their account by their own keys.
  expect(call(requestOf(limiter, principalOf('basic'))).refused).toBe(false);
});

test('threat 33: a key of a lesser tier is bound by its own and by what its owner has', () => {
  const limiter = limiterOf();
  const premium = { ownerTier: 'premium' } as const;
  expect(call(requestOf(limiter, keyOf('one', 'basic', premium))).ratelimit).toBe(
    '"minute";r=59;t=60, "hour";r=999;t=3600, "owner.minute";r=599;t=60, "owner.hour";r=19999;t=3600',
  );
  const keys = Array.from({ length: 12 }, (_, i) => `key-${i}`);
  const each = keys.map((id) => allowed(100, () => call(requestOf(limiter, keyOf(id, 'basic', premium)))));
  expect(each).toEqual([...Array(9).fill(60), 59, 0, 0]);
  const unlimited = { ownerTier: 'unlimited' } as const;
  expect(allowed(100, () => call(requestOf(limiter, keyOf('other', 'basic', unlimited))))).toBe(60);
});

test('threat 33: a tier that changes in the middle of a window counts what was used in it', () => {
  const limiter = limiterOf();
  const one = (name: Tier) => () => call(requestOf(limiter, keyOf('one', name)));
  expect(allowed(100, one('basic'))).toBe(60);
  expect(allowed(1_000, one('premium'))).toBe(540);
  expect(one('basic')()).toMatchObject({ refused: true });
  const user = (name: Tier) => () => call(requestOf(limiter, principalOf(name)));
  expect(allowed(300, user('premium'))).toBe(300);
  expect(user('basic')().refused).toBe(true);
  vi.advanceTimersByTime(60_000);
  expect(allowed(100, user('basic'))).toBe(60);
});

test('threat 34: the addresses of one IPv6 /64 count as one, and an IPv4 address in IPv6 clothes as itself', () => {
  const limiter = limiterOf(50);
  let last = 0;
  const next = () => {
    last += 1;
    return last;
  };
  const rotating = () => {
    const host = next();
    return call(requestOf(limiter, undefined, `2001:db8:1:2:${host.toString(16)}::${host.toString(16)}`));
  };
  expect(allowed(500, rotating)).toBe(50);
  expect(call(requestOf(limiter, undefined, '2001:db8:1:3::1')).refused).toBe(false);
  const ipv4 = ['203.0.113.7', '::ffff:203.0.113.7', '::ffff:cb00:7107'];
  expect(allowed(60, () => call(requestOf(limiter, undefined, ipv4[next() % 3])))).toBe(50);
  const nonsense = () => call(requestOf(limiter, undefined, `unknown-${next()}`));
  expect(allowed(60, nonsense)).toBe(50);
});

test('threat 4: each call of a batch counts, and only those past the limit are refused', async () => {
  const limiter = limiterOf(10);
  const api = router({ ping: publicProcedure.meta({ limit: 7 }).query(() => 'pong') });
  const { limits, request, response } = requestOf(limiter);
  // What the procedure does not ask for is not there.
  const context = { limits, request, response, principal: undefined };
  const { ping } = api.createCaller(Object.assign(Object.create(null), context));
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => ping()));
  expect(answers.map(({ status }) => status)).toEqual([...Array(7).fill('fulfilled'), ...Array(3).fill('rejected')]);
  expect(answers[9]).toMatchObject({ reason: { code: 'TOO_MANY_REQUESTS', cause: { code: 'rate_limited' } } });
  expect(response.headers).toMatchObject({ ratelimit: '"minute";r=3;t=60, "ping";r=0;t=60', 'retry-after': '60' });
});

test('the calls of one batch tell of all limits that they met', () => {
  const request = requestOf(limiterOf(), principalOf('basic'));
  call(request, 'agents.list', 30);
  call(request, 'agents.create', 5);
  expect(call(request, 'agents.get').ratelimit).toBe(
    '"minute";r=57;t=60, "hour";r=997;t=3600, "agents.create";r=4;t=60, "agents.list";r=29;t=60',
  );
});

test('a webhook has ten times as many calls from an address as the API, and each webhook its own', () => {
  const limiter = limiterOf(10);
  const hook =
    (path: string, ip = '203.0.113.7') =>
    () => {
      try {
        countHook(limiter, { ip, hook: { slug: 'ann', method: 'POST', path } }, {});
        return { refused: false };
      } catch {
        return { refused: true };
      }
    };
  expect(allowed(200, hook('orders'))).toBe(100);
  expect(hook('returns')().refused).toBe(false);
  expect(hook('orders', '203.0.113.8')().refused).toBe(false);
  expect(() => countAddress(limiter, '203.0.113.7', {})).not.toThrow();
});
