import { forgotPasswordInput } from '@flowplane/contract/auth';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { login } from '../accounts.ts';
import { addressBucket, addressPrefix } from '../address.ts';
import { callAs, newcomer, password, testAuth } from '../test-auth.ts';
import { changePassword } from './change-password.ts';
import { forgotPassword, resetPassword } from './reset-password.ts';
import { createThrottle, guess, Throttled } from './throttle.ts';

const suite = await testAuth();
const { auth } = suite;
afterAll(() => suite[Symbol.asyncDispose]());
beforeEach(() => {
  auth.throttle = createThrottle();
});

let last = 0;
/** An address that nobody has used. */
function somewhere(): { ip: string; userAgent: string } {
  last += 1;
  return { ip: `198.51.${last >> 8}.${last & 255}`, userAgent: 'tests' };
}

async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error) => (error instanceof Throttled ? 'wait' : error.code),
  );
}

const wrong = 'invalid_credentials';

test.each([true, false])(
  'threat 35: after six wrong passwords an account waits, whether it exists (%s) or not, from whatever address',
  async (exists) => {
    const email = exists ? (await newcomer(auth)).signedIn.user.email : 'nobody@example.com';
    const tries = [];
    for (let n = 0; n < 8; n += 1) tries.push(await outcome(login(auth, { email, password: 'guess' }, somewhere())));
    expect(tries).toEqual([wrong, wrong, wrong, wrong, wrong, wrong, 'wait', 'wait']);
  },
);

test('threat 35: of a hundred guesses at once only as many are tried as one after the other', async () => {
  const { signedIn } = await newcomer(auth);
  const { email } = signedIn.user;
  const tries = await Promise.all(
    Array.from({ length: 100 }, () => outcome(login(auth, { email, password: 'guess' }, somewhere()))),
  );
  expect(tries.filter((one) => one === wrong)).toHaveLength(6);
  expect(tries.filter((one) => one === 'wait')).toHaveLength(94);
});

test('threat 35: the right password waits too, gets in after the wait, and clears the count', async () => {
  const { signedIn } = await newcomer(auth);
  const { email } = signedIn.user;
  for (let n = 0; n < 6; n += 1) await outcome(login(auth, { email, password: 'guess' }, somewhere()));
  const waiting = await login(auth, { email, password }, somewhere()).catch((error) => error);
  expect(waiting).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 1 });
  await expect.poll(() => outcome(login(auth, { email, password }, somewhere())), { timeout: 5_000 }).toBe('done');
  for (let n = 0; n < 6; n += 1) {
    expect(await outcome(login(auth, { email, password: 'guess' }, somewhere()))).toBe(wrong);
  }
});

test('the wait doubles with every wrong attempt, up to a quarter of an hour', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  try {
    const throttle = createThrottle();
    const waits: number[] = [];
    for (let n = 0; n < 18; n += 1) {
      const tried = await guess(throttle, { account: 'a' }, async () => false).catch((error) => error);
      if (tried instanceof Throttled) {
        waits.push(tried.retryAfterSeconds);
        vi.advanceTimersByTime(tried.retryAfterSeconds * 1_000 + 1);
      }
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32]);
    for (let n = 0; n < 40; n += 1) {
      const tried = await guess(throttle, { account: 'b' }, async () => false).catch((error) => error);
      if (!(tried instanceof Throttled)) continue;
      expect(tried.retryAfterSeconds).toBeLessThanOrEqual(900);
      vi.advanceTimersByTime(tried.retryAfterSeconds * 1_000 + 1);
    }
  } finally {
    vi.useRealTimers();
  }
});

test('threat 35: who tries one password on many accounts is slowed down by address, an IPv6 network as one', async () => {
  const network = (n: number) => ({ ip: `2001:db8:0:1::${n.toString(16)}`, userAgent: 'tests' });
  const tries = [];
  for (let n = 1; n <= 60; n += 1) {
    tries.push(await outcome(login(auth, { email: `${n}@example.com`, password: 'Summer2026!' }, network(n))));
  }
  expect(tries.filter((one) => one === wrong)).toHaveLength(51);
  const elsewhere = { ip: '2001:db8:0:2::1', userAgent: 'tests' };
  expect(await outcome(login(auth, { email: 'x@example.com', password: 'Summer2026!' }, elsewhere))).toBe(wrong);
});

test('signing in well again and again from one address is no guessing', async () => {
  const { signedIn } = await newcomer(auth);
  const here = somewhere();
  const throttle = auth.throttle;
  for (let n = 0; n < 200; n += 1)
    expect(await guess(throttle, { account: 'a', ip: here.ip }, async () => true)).toBe(true);
  expect(await outcome(login(auth, { email: signedIn.user.email, password }, here))).toBe('done');
});

test('attempts that fail for want of the database or a turn do not count', async () => {
  const away = async () => Promise.reject(new Error('away'));
  for (let n = 0; n < 60; n += 1) {
    await expect(guess(auth.throttle, { account: 'a', ip: '192.0.2.1' }, away)).rejects.toThrow('away');
  }
  expect(await guess(auth.throttle, { account: 'a', ip: '192.0.2.1' }, async () => false)).toBe(false);
});

test('who retries on an account that has to wait does not use up the attempts of their address', async () => {
  const who = { account: 'a', ip: '192.0.2.2' };
  const wait = async () => outcome(guess(auth.throttle, who, async () => false));
  for (let n = 0; n < 80; n += 1) await wait();
  expect(await guess(auth.throttle, { account: 'b', ip: '192.0.2.2' }, async () => false)).toBe(false);
});

test('threat 35: the current password is not to be guessed by whoever found an open session', async () => {
  const { principal } = await newcomer(auth);
  const tries = [];
  for (let n = 0; n < 7; n += 1) {
    const input = { currentPassword: 'guess', newPassword: 'a new password', ...somewhere() };
    tries.push(await outcome(changePassword(auth, principal, input)));
  }
  expect(tries).toEqual([wrong, wrong, wrong, wrong, wrong, wrong, 'wait']);
});

test('threat 35: reset tokens are not to be guessed, nor mails asked for without end, from one address', async () => {
  const here = somewhere();
  const tries = [];
  for (let n = 0; n < 60; n += 1) {
    tries.push(
      await outcome(resetPassword(auth, { token: `fpp_${'A'.repeat(43)}`, password: 'a new password' }, here)),
    );
  }
  expect(tries.filter((one) => one === 'invalid_input')).toHaveLength(51);
  const asking = somewhere();
  const asked = [];
  for (let n = 0; n < 60; n += 1) {
    asked.push(await outcome(forgotPassword(auth, forgotPasswordInput.parse({ email: `${n}@example.com` }), asking)));
  }
  expect(asked.filter((one) => one === 'done')).toHaveLength(51);
});

test('who has to wait is told for how long by Retry-After', async () => {
  const { call, response } = callAs(auth, undefined);
  for (let n = 0; n < 7; n += 1) {
    await call('mutation', 'login', { email: 'locked@example.com', password: 'guess' }).catch(() => {});
  }
  expect(response.headers['retry-after']).toMatch(/^[1-9]\d*$/);
});

test.each([
  ['203.0.113.7', '203.0.113.7/32', '203.0.113.0/24'],
  ['::ffff:203.0.113.7', '203.0.113.7/32', '203.0.113.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['no address', 'unknown', 'unknown'],
])('%s counts as %s and is shown as %s', (ip, bucket, prefix) => {
  expect(addressBucket(ip)).toBe(bucket);
  expect(addressPrefix(ip)).toBe(prefix);
});
