import { randomUUID } from 'node:crypto';
import { registerInput } from '@flowplane/contract/auth';
import { limits } from '@flowplane/contract/limits';
import { newId } from '@flowplane/db/id';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { login, register } from '../auth/accounts.ts';
import { cleanUp } from '../auth/clean-up.ts';
import { createThrottle } from '../auth/passwords/throttle.ts';
import { sha256 } from '../auth/secrets.ts';
import { from, password } from '../auth/test-auth.ts';
import { call, problemOf, testApi } from '../test-api.ts';
import { collectMails, emailOf, joined, type Person } from './test-team.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Person;
let id: string;
let mails: ReturnType<typeof collectMails>['mails'];
let tokenFor: ReturnType<typeof collectMails>['tokenFor'];
beforeAll(async () => {
  api = await testApi();
  ({ mails, tokenFor } = collectMails(api.auth));
  ann = await api.member();
  id = (await ann.api.teams.create({ name: 'Acme <b> evil.example/x\u2028' })).id;
});
beforeEach(() => {
  api.auth.throttle = createThrottle();
});
afterAll(() => api[Symbol.asyncDispose]());

const unusable = { status: 400, code: 'invalid_input', errors: [{ path: 'token' }] };

function someone(): string {
  return `${randomUUID()}@example.com`;
}

async function invited(email: string, role = 'user') {
  const made = await ann.api.teams.invitations.create({ id, email, role });
  return { made, token: await tokenFor(email) };
}

function openOnes() {
  return ann.api.teams.invitations.list({ id });
}

test('an invitation is mailed, listed without its token, accepted once, and proves the address', async () => {
  const bob = await api.member();
  const email = await emailOf(bob);
  expect((await bob.api.users.me()).user.emailVerified).toBe(false);
  const { made, token } = await invited(email, 'agent');
  expect(token).toMatch(/^fpi_[\w-]{43}$/);
  expect(made).toMatchObject({ teamId: id, email, role: 'agent', invitedBy: ann.principal.userId });
  expect(Math.round((made.expiresAt.getTime() - made.createdAt.getTime()) / 3_600_000)).toBe(7 * 24);
  expect((await openOnes()).items).toContainEqual(made);
  const stored = await api.database.db.selectFrom('team_invitations').selectAll().execute();
  expect(JSON.stringify(stored)).not.toContain(token);
  expect(JSON.stringify([made, await openOnes()])).not.toContain(sha256(token));

  expect(await bob.api.invitations.accept({ token })).toMatchObject({ id, role: 'agent' });
  expect((await bob.api.users.me()).user.emailVerified).toBe(true);
  expect((await bob.api.teams.list({})).items.map((team) => team.id)).toContain(id);
  expect((await openOnes()).items.map((open) => open.id)).not.toContain(made.id);
  expect(await problemOf(bob.api.invitations.accept({ token }))).toMatchObject(unusable);
});

test('the mail is one for everybody, and no name breaks out of it', async () => {
  const [email, stranger] = [await emailOf(await api.member()), someone()];
  await invited(email);
  await invited(stranger);
  const [known, unknown] = [email, stranger].map((to) => mails.find((mail) => mail.to === to));
  const plain = (text = '', to = '') => text.replaceAll(to, 'TO').replaceAll(/fpi_[\w-]{43}/g, 'TOKEN');
  expect(plain(known?.text, email)).toBe(plain(unknown?.text, stranger));
  expect(known?.html).not.toContain('<b>');
  expect(known?.text).toContain('for 7 days');
  expect(known?.text).not.toContain('evil.example');
});

test('the answer to an invitation is the same for who has an account and who has not', async () => {
  const emails = [await emailOf(await api.member()), someone()];
  const shapes = [];
  for (const email of emails) {
    const { createdAt, expiresAt, id: _, ...made } = await ann.api.teams.invitations.create({ id, email });
    shapes.push({ ...made, email: 'EMAIL', lasts: Math.round((expiresAt.getTime() - createdAt.getTime()) / 1_000) });
  }
  expect(shapes[0]).toEqual(shapes[1]);
});

test('of twenty who accept at once one gets in, and it is not used by the others', async () => {
  const bob = await api.member();
  const { token } = await invited(await emailOf(bob));
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => bob.api.invitations.accept({ token })));
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const one of tries.filter((one) => one.status === 'rejected')) {
    expect(await problemOf(Promise.reject(one.reason))).toMatchObject(unusable);
  }
});

test('another address than the invited one is refused, and the invitation stays good', async () => {
  const [bob, eve] = [await api.member(), await api.member()];
  const { token } = await invited(await emailOf(bob));
  const refused = await problemOf(eve.api.invitations.accept({ token }));
  expect(refused).toMatchObject({ status: 403, code: 'forbidden' });
  expect(refused.detail).not.toContain('@');
  expect(await bob.api.invitations.accept({ token })).toMatchObject({ id });
});

test('an API key accepts nothing', async () => {
  const bob = await api.member();
  const { token } = await invited(await emailOf(bob));
  const key = bob.as({ ...bob.principal, kind: 'apiKey', sessionId: null });
  expect(await problemOf(call(key, 'invitations.accept', { token }))).toMatchObject({ status: 403 });
});

test('an invitation that has expired, by the database’s clock, or was revoked is like one that never was', async () => {
  const bob = await api.member();
  const email = await emailOf(bob);
  const { made, token } = await invited(email);
  const { db } = api.database;
  const past = sql<Date>`now() - interval '1 second'`;
  await db.updateTable('team_invitations').set({ expires_at: past }).where('id', '=', made.id).execute();
  expect((await openOnes()).items.map((open) => open.id)).not.toContain(made.id);
  const nobodys = await problemOf(bob.api.invitations.accept({ token: `fpi_${'a'.repeat(43)}` }));
  expect(nobodys).toMatchObject(unusable);
  const { requestId: _, ...expired } = await problemOf(bob.api.invitations.accept({ token }));
  expect(nobodys).toMatchObject(expired);
  for (const gone of ['resend', 'revoke'] as const) {
    const answer = ann.api.teams.invitations[gone]({ id, invitationId: made.id });
    expect(await problemOf(answer)).toMatchObject({ status: 404 });
  }

  const again = await ann.api.teams.invitations.create({ id, email });
  const second = await tokenFor(email, 2);
  expect(await ann.api.teams.invitations.revoke({ id, invitationId: again.id })).toBeUndefined();
  expect(await problemOf(bob.api.invitations.accept({ token: second }))).toMatchObject(unusable);
  expect(await problemOf(ann.api.teams.invitations.revoke({ id, invitationId: again.id }))).toMatchObject({
    status: 404,
  });
});

test('an invitation that is accepted and revoked at once is one of the two', async () => {
  for (let round = 0; round < 5; round += 1) {
    const bob = await api.member();
    const { made, token } = await invited(await emailOf(bob));
    const tries = await Promise.allSettled([
      bob.api.invitations.accept({ token }),
      ann.api.teams.invitations.revoke({ id, invitationId: made.id }),
    ]);
    expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const inTeam = (await bob.api.teams.list({})).items.some((team) => team.id === id);
    expect(inTeam).toBe(tries[0].status === 'fulfilled');
  }
});

test('expired invitations are removed with what else is over', async () => {
  const { made } = await invited(someone());
  const { db } = api.database;
  const row = db.selectFrom('team_invitations').select('id').where('id', '=', made.id);
  await cleanUp(db);
  expect(await row.execute()).toHaveLength(1);
  await db
    .updateTable('team_invitations')
    .set({ expires_at: new Date(0) })
    .where('id', '=', made.id)
    .execute();
  await cleanUp(db);
  expect(await row.execute()).toEqual([]);
});

test('resending makes another link and ends the one before', async () => {
  const bob = await api.member();
  const email = await emailOf(bob);
  const { made, token } = await invited(email);
  const again = await ann.api.teams.invitations.resend({ id, invitationId: made.id });
  expect(again).toMatchObject({ id: made.id, email });
  expect(again.expiresAt.getTime()).toBeGreaterThanOrEqual(made.expiresAt.getTime());
  const second = await tokenFor(email, 2);
  expect(await problemOf(bob.api.invitations.accept({ token }))).toMatchObject(unusable);
  expect(await bob.api.invitations.accept({ token: second })).toMatchObject({ id });
});

test.each(['Twin@Example.COM', '  twin@example.com ', 'ｔｗｉｎ@example.com'])(
  'threat 15: an address is invited once however it is written: %s',
  async (email) => {
    await ann.api.teams.invitations.create({ id, email: 'twin@example.com' }).catch(() => {});
    const twice = ann.api.teams.invitations.create({ id, email });
    expect(await problemOf(twice)).toMatchObject({ status: 409, code: 'conflict' });
  },
);

test('who is in the team already is not invited, and who became a member meanwhile keeps their role', async () => {
  const bob = await joined({ api, tokenFor }, ann, { id });
  expect(await problemOf(ann.api.teams.invitations.create({ id, email: bob.email }))).toMatchObject({
    code: 'conflict',
  });
  const cy = await api.member();
  const { token } = await invited(await emailOf(cy), 'admin');
  const { db } = api.database;
  const member = { team_id: id, user_id: cy.principal.userId, role: 'readonly' as const };
  await db.insertInto('memberships').values(member).execute();
  expect(await cy.api.invitations.accept({ token })).toMatchObject({ id, role: 'readonly' });
});

test('registering with an invitation makes an account in that team, whose address is verified and who got no other mail', async () => {
  const email = someone();
  const { token } = await invited(email, 'readonly');
  const anonymous = ann.as(undefined);
  const signedIn = await call(anonymous, 'auth.register', { email, password, invitation: token });
  expect(signedIn).toMatchObject({ user: { email }, team: { id } });
  expect(mails.filter(({ to }) => to === email)).toHaveLength(1);
  const again = await login(api.auth, { email, password }, from);
  expect(again.signedIn.team.id).toBe(id);
  const { db } = api.database;
  const user = await db.selectFrom('users').selectAll().where('email', '=', email).executeTakeFirstOrThrow();
  expect(user.email_verified_at).not.toBeNull();
  const teams = await db.selectFrom('memberships').selectAll().where('user_id', '=', user.id).execute();
  expect(teams).toMatchObject([{ team_id: id, role: 'readonly' }]);
});

test('registering with somebody else’s invitation, or one that does not work, makes no account', async () => {
  const { token } = await invited(someone());
  const { db } = api.database;
  for (const [invitation, refusal] of [
    [token, { status: 403, code: 'forbidden' }],
    [`fpi_${'b'.repeat(43)}`, unusable],
    ['x', unusable],
  ] as const) {
    const email = someone();
    const answer = call(ann.as(undefined), 'auth.register', { email, password, invitation });
    expect(await problemOf(answer)).toMatchObject(refusal);
    expect(await db.selectFrom('users').select('id').where('email', '=', email).execute()).toEqual([]);
  }
});

test('of many who register with one invitation at once one gets in', async () => {
  const email = someone();
  const { token } = await invited(email);
  const input = registerInput.parse({ email, password, invitation: token });
  const tries = await Promise.allSettled(Array.from({ length: 5 }, () => register(api.auth, input, from)));
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('who has the link sees what it is to; nobody else does', async () => {
  const email = someone();
  const { token } = await invited(email, 'agent');
  const preview = await call(ann.as(undefined), 'invitations.preview', { token });
  expect(preview).toMatchObject({ team: expect.stringContaining('Acme'), email, role: 'agent' });
  const nobodys = call(ann.as(undefined), 'invitations.preview', { token: 'fpi_x' });
  expect(await problemOf(nobodys)).toMatchObject(unusable);
});

test('invitations end with the membership and with the role of who sent them', async () => {
  const [bob, cy, eve] = [
    await joined({ api, tokenFor }, ann, { id, role: 'admin' }),
    await joined({ api, tokenFor }, ann, { id, role: 'admin' }),
    await api.member(),
  ];
  const email = await emailOf(eve);
  await bob.api.teams.invitations.create({ id, email, role: 'admin' });
  const first = await tokenFor(email);
  await ann.api.teams.members.update({ id, userId: bob.userId, role: 'readonly' });
  expect(await problemOf(eve.api.invitations.accept({ token: first }))).toMatchObject(unusable);
  await cy.api.teams.invitations.create({ id, email, role: 'admin' });
  const second = await tokenFor(email, 2);
  await ann.api.teams.members.remove({ id, userId: cy.userId });
  expect(await problemOf(eve.api.invitations.accept({ token: second }))).toMatchObject(unusable);
});

test('threat 35: tokens are not guessed without end, and nobody is mailed without end', async () => {
  const eve = await api.member();
  const codes = new Set<string>();
  for (let n = 0; n < 60; n += 1) {
    codes.add((await problemOf(eve.api.invitations.accept({ token: `fpi_${'c'.repeat(43)}` }))).code);
  }
  expect(codes).toEqual(new Set(['invalid_input', 'rate_limited']));
  api.auth.throttle = createThrottle();
  const { made } = await invited(someone());
  const context = ann.as(ann.principal);
  const resend = () => call(context, 'teams.invitations.resend', { id, invitationId: made.id });
  await resend();
  await resend();
  expect(await problemOf(resend())).toMatchObject({ status: 429, code: 'rate_limited' });
  expect(Number(context.response.headers['retry-after'])).toBeGreaterThan(0);
});

test('a person sends a hundred invitations in an hour, over whatever team', async () => {
  const ben = await api.member();
  const teams = [ben.principal.teamId, (await ben.api.teams.create({ name: 'Second' })).id];
  for (let n = 0; n < 100; n += 1) {
    await ben.api.teams.invitations.create({ id: teams[n % 2] ?? '', email: someone() });
  }
  const more = await problemOf(ben.api.teams.invitations.create({ id: teams[0] ?? '', email: someone() }));
  expect(more).toMatchObject({ status: 429, code: 'rate_limited' });
  expect((await ben.api.teams.invitations.list({ id: teams[0] ?? '', limit: 100 })).items).toHaveLength(50);
});

test('so many invitations are open at once, and so many members in a team, and no more', async () => {
  const ben = await api.member();
  const { teamId } = ben.principal;
  const { db } = api.database;
  const open = Array.from({ length: limits.openInvitations - 1 }, (_, n) => ({
    id: newId(),
    team_id: teamId,
    email: `${n}@example.com`,
    role: 'user' as const,
    role_id: null,
    hash: `${teamId} ${n}`,
    invited_by: ben.principal.userId,
    expires_at: sql<Date>`now() + interval '1 day'`,
  }));
  await db.insertInto('team_invitations').values(open).execute();
  const eve = await api.member();
  const email = await emailOf(eve);
  await ben.api.teams.invitations.create({ id: teamId, email });
  const late = ben.api.teams.invitations.create({ id: teamId, email: someone() });
  expect(await problemOf(late)).toMatchObject({ code: 'quota_reached' });

  const users = Array.from({ length: limits.teamMembers - 1 }, () => ({ id: newId(), name: 'Many', email: null }));
  await db.insertInto('users').values(users).execute();
  const memberships = users.map((user) => ({ team_id: teamId, user_id: user.id, role: 'user' as const }));
  await db.insertInto('memberships').values(memberships).execute();
  const full = eve.api.invitations.accept({ token: await tokenFor(email) });
  expect(await problemOf(full)).toMatchObject({ code: 'quota_reached' });
});
