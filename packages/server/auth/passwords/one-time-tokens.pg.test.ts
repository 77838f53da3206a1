import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { createMailer } from '../../mail/mailer.ts';
import { smtpDelivery } from '../../mail/smtp.ts';
import { smtpServer, tokenIn } from '../../mail/test-smtp.ts';
import { login, me } from '../accounts.ts';
import type { Auth } from '../auth.ts';
import { authenticate } from '../authenticate.ts';
import { cleanUp } from '../clean-up.ts';
import { callAs, from, newcomer, password, testAuth } from '../test-auth.ts';
import { refresh } from '../tokens/refresh.ts';
import { forgotPassword, resetPassword } from './reset-password.ts';
import { createThrottle } from './throttle.ts';
import { mailVerification, resendVerification, verifyEmail } from './verify-email.ts';

const suite = await testAuth();
const { auth, database } = suite;
const server = await smtpServer();
const lost: unknown[] = [];
auth.mailer = createMailer({
  db: database.db,
  deliver: smtpDelivery({ host: '127.0.0.1', port: server.port, security: 'none', from: 'no-reply@flowplane.test' }),
  onLost: (error) => lost.push(error),
});
afterAll(async () => {
  await auth.mailer.close();
  await server[Symbol.asyncDispose]();
  await suite[Symbol.asyncDispose]();
});
beforeEach(() => {
  auth.throttle = createThrottle();
});

/** The newest mail to an address, when there are as many as expected. */
async function mailTo(email: string, count = 1) {
  const arrived = () => server.received.filter(({ to }) => to.includes(email));
  await expect.poll(() => arrived().length, { timeout: 10_000 }).toBe(count);
  const last = arrived().at(-1);
  if (!last) throw new Error('none arrived');
  return last;
}

const unusable = { code: 'invalid_input', errors: [{ path: 'token' }] };
const newPassword = 'an entirely new password';

function reset(token: string) {
  return resetPassword(auth, { token, password: newPassword }, from);
}

async function forgotten(email: string, count = 1): Promise<string> {
  await forgotPassword(auth, { email }, from);
  return tokenIn(await mailTo(email, count));
}

test('registering over the API mails a link that verifies the address, once', async () => {
  const email = 'verify@example.com';
  await callAs(auth, undefined).call('mutation', 'register', { email, password });
  const token = tokenIn(await mailTo(email));
  expect(token).toMatch(/^fpv_[\w-]{43}$/);
  await verifyEmail(auth, { token }, from);
  await expect(verifyEmail(auth, { token }, from)).rejects.toMatchObject(unusable);
  const { signedIn } = await login(auth, { email, password }, from);
  const principal = await authenticate(auth, { authorization: `Bearer ${signedIn.accessToken}` }, 'GET');
  if (!principal) throw new Error('nobody');
  expect((await me(auth, principal)).user.emailVerified).toBe(true);
  await expect(resendVerification(auth, principal)).rejects.toMatchObject({ code: 'conflict' });
});

test('another link can be asked for three times an hour, also with an idempotency key', async () => {
  const { principal, signedIn } = await newcomer(auth);
  const { email } = signedIn.user;
  expect((await me(auth, principal)).user.emailVerified).toBe(false);
  for (let n = 0; n < 3; n += 1) await resendVerification(auth, principal);
  await expect(resendVerification(auth, principal)).rejects.toMatchObject({ code: 'rate_limited' });
  const token = tokenIn(await mailTo(email, 3));
  await verifyEmail(auth, { token }, from);
});

test('a forgotten password is set by the mailed token; all sessions end, the address is verified, API keys go on', async () => {
  const { signedIn, principal } = await newcomer(auth);
  const { email } = signedIn.user;
  const earlier = await forgotten(email);
  const token = await forgotten(email, 2);
  expect(token).toMatch(/^fpp_[\w-]{43}$/);
  await reset(token);
  await expect(refresh(auth, signedIn, from)).rejects.toMatchObject({ code: 'unauthenticated' });
  const old = async () => authenticate(auth, { authorization: `Bearer ${signedIn.accessToken}` }, 'GET');
  await expect(old()).rejects.toMatchObject({ code: 'unauthenticated' });
  await expect(login(auth, { email, password }, from)).rejects.toMatchObject({ code: 'invalid_credentials' });
  await expect(login(auth, { email, password: newPassword }, from)).resolves.toBeDefined();
  for (const used of [token, earlier]) await expect(reset(used)).rejects.toMatchObject(unusable);
  expect((await me(auth, principal)).user.emailVerified).toBe(true);
});

test('of many who use one token at once, one sets the password', async () => {
  const { signedIn } = await newcomer(auth);
  const token = await forgotten(signedIn.user.email);
  const tried = await Promise.allSettled(Array.from({ length: 5 }, () => reset(token)));
  expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('a token is good for its purpose only, until it expires, and for the address that it was sent to', async () => {
  const { signedIn, principal } = await newcomer(auth);
  const { email } = signedIn.user;
  await resendVerification(auth, principal);
  const verifying = tokenIn(await mailTo(email));
  const resetting = await forgotten(email, 2);
  await expect(reset(verifying)).rejects.toMatchObject(unusable);
  await expect(reset(verifying.replace('fpv_', 'fpp_'))).rejects.toMatchObject(unusable);
  await expect(verifyEmail(auth, { token: resetting }, from)).rejects.toMatchObject(unusable);
  await sql`update one_time_tokens set expires_at = now() where purpose = 'verify_email'`.execute(database.db);
  await expect(verifyEmail(auth, { token: verifying }, from)).rejects.toMatchObject(unusable);
  await sql`update users set email = 'moved@example.com' where email = ${email}`.execute(database.db);
  await expect(reset(resetting)).rejects.toMatchObject(unusable);
});

test('threat 35: whether an address has an account is looked up after the answer, which is the same', async () => {
  const { signedIn } = await newcomer(auth);
  const letters: Parameters<Auth['mailer']['send']>[0][] = [];
  const later: Auth = { ...auth, mailer: { ...auth.mailer, send: (write) => letters.push(write) } };
  let queries = 0;
  const count = () => {
    queries += 1;
  };
  database.pool.on('acquire', count);
  const known = await callAs(later, undefined).call('mutation', 'password.forgot', { email: signedIn.user.email });
  const unknown = await callAs(later, undefined).call('mutation', 'password.forgot', { email: 'nobody@example.com' });
  database.pool.off('acquire', count);
  expect(known).toEqual(unknown);
  expect(queries).toBe(0);
  const mails = await Promise.all(letters.map((write) => write(database.db)));
  expect(mails.map((mail) => mail?.to)).toEqual([signedIn.user.email, undefined]);
});

test('an account is not flooded with mails, and whoever asks is not told', async () => {
  const { signedIn } = await newcomer(auth);
  const { email } = signedIn.user;
  for (let n = 0; n < 6; n += 1) await forgotPassword(auth, { email }, from);
  await mailTo(email, 3);
});

test('tokens are kept only as hashes', async () => {
  const { signedIn } = await newcomer(auth);
  const token = await forgotten(signedIn.user.email);
  const dump = JSON.stringify(await database.db.selectFrom('one_time_tokens').selectAll().execute());
  expect(dump).not.toContain(token.slice(4));
});

test('what is over is removed in batches, by several at once, and nothing else', async () => {
  const { principal, signedIn } = await newcomer(auth);
  mailVerification(auth, signedIn.user);
  await mailTo(signedIn.user.email);
  await sql`
    insert into one_time_tokens (hash, user_id, purpose, email, expires_at)
    select 'old' || n, ${principal.userId}, 'verify_email', 'a@example.com', now() - interval '1 s' from generate_series(1, 2500) n`.execute(
    database.db,
  );
  await sql`
    insert into refresh_tokens (hash, session_id, expires_at)
    select 'old' || n, ${principal.sessionId}, now() - interval '1 s' from generate_series(1, 2500) n`.execute(
    database.db,
  );
  await sql`
    insert into sessions (id, user_id, team_id, expires_at, absolute_expires_at)
    select 'old' || n, ${principal.userId}, ${principal.teamId}, now() - interval '1 s', now() from generate_series(1, 10000) n`.execute(
    database.db,
  );
  const removed = await Promise.all([cleanUp(database.db), cleanUp(database.db)]);
  const { rows } = await sql<{ left: number }>`
    select (select count(*)::int from one_time_tokens where hash like 'old%') + (select count(*)::int from refresh_tokens where hash like 'old%')
      + (select count(*)::int from sessions where id like 'old%') as left`.execute(database.db);
  expect(rows[0]?.left).toBe(0);
  expect(removed.reduce((sum, one) => sum + one)).toBeGreaterThanOrEqual(15_000);
  await expect(refresh(auth, signedIn, from)).resolves.toBeDefined();
  expect(lost).toEqual([]);
});
