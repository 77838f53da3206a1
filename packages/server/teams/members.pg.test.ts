import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { login } from '../auth/accounts.ts';
import { authenticate } from '../auth/authenticate.ts';
import { from, openAuth, password, sentBack } from '../auth/test-auth.ts';
import { refresh } from '../auth/tokens/refresh.ts';
import { chain, problemOf, testApi } from '../test-api.ts';
import { callIn, collectMails, inTeam, joined, type Person } from './test-team.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Person;
let tokenFor: ReturnType<typeof collectMails>['tokenFor'];
beforeAll(async () => {
  api = await testApi();
  ({ tokenFor } = collectMails(api.auth));
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const lastAdmin = { status: 409, code: 'last_admin' };

async function teamOf(admin = ann): Promise<string> {
  return (await admin.api.teams.create({ name: 'Team' })).id;
}

function join(id: string, role?: string) {
  return joined({ api, tokenFor }, ann, role === undefined ? { id } : { id, role });
}

async function rolesIn(id: string, who = ann): Promise<Record<string, string>> {
  const { items } = await who.api.teams.members.list({ id });
  return Object.fromEntries(items.map(({ userId, role }) => [userId, role]));
}

/** Signs in anew: what a browser and a program have then. */
function signInAs({ email }: { email: string }) {
  return login(api.auth, { email, password }, from);
}

async function whoSends(accessToken: string, { at = api.auth, team }: { at?: typeof api.auth; team?: string } = {}) {
  const chosen = team === undefined ? {} : { 'x-team-id': team };
  return authenticate(at, { authorization: `Bearer ${accessToken}`, ...chosen }, 'GET');
}

test('members are listed with their roles, page by page', async () => {
  const id = await teamOf();
  const [bob, cy] = [await join(id), await join(id, 'readonly')];
  expect(await rolesIn(id)).toEqual({
    [ann.principal.userId]: 'admin',
    [bob.userId]: 'user',
    [cy.userId]: 'readonly',
  });
  const first = await cy.api.teams.members.list({ id, limit: 2 });
  const second = await cy.api.teams.members.list({ id, limit: 2, cursor: first.nextCursor ?? '' });
  expect(new Set([...first.items, ...second.items].map(({ userId }) => userId)).size).toBe(3);
  expect(second).toMatchObject({ items: [{ role: expect.any(String) }], nextCursor: null });
});

test('only an admin changes the team: a user, an agent and a reader do not, whatever they are elsewhere', async () => {
  const id = await teamOf();
  const [bob, ...others] = [await join(id), await join(id, 'agent'), await join(id, 'readonly')];
  for (const { api: by } of [bob, ...others]) {
    expect(await by.teams.get({ id })).toMatchObject({ id });
    const tries = [
      () => by.teams.update({ id, name: 'Mine' }),
      () => by.teams.delete({ id }),
      () => by.teams.transfer({ id, userId: bob.userId }),
      () => by.teams.members.update({ id, userId: bob.userId, role: 'admin' }),
      () => by.teams.members.remove({ id, userId: ann.principal.userId }),
      () => by.teams.invitations.create({ id, email: 'friend@example.com' }),
      () => by.teams.roles.create({ id, name: 'mine', permissions: [] }),
    ];
    for (const attempt of tries) expect(await problemOf(attempt())).toMatchObject({ status: 403, code: 'forbidden' });
  }
  expect((await ann.api.teams.get({ id })).name).toBe('Team');
});

test('what one may do in the named team counts, not what in the team that one is in', async () => {
  const id = await teamOf();
  const bob = await join(id, 'readonly');
  const own = bob.principal.teamId;
  const reader = await inTeam(api.auth, bob, id);
  expect(await reader.teams.update({ id: own, name: 'Bob’s' })).toMatchObject({ name: 'Bob’s' });
  expect(await problemOf(reader.teams.update({ id, name: 'Bob’s' }))).toMatchObject({ status: 403 });
  expect(await problemOf(reader.workflows.stop({ id: randomUUID() }))).toMatchObject({ status: 403 });
});

test('a change of role holds at once here and within a second everywhere, also for API keys and chosen teams', async () => {
  const id = await teamOf();
  const bob = await join(id);
  const { signedIn } = await signInAs(bob);
  const { key } = await (await inTeam(api.auth, bob, id)).auth.apiKeys.create({
    name: 'A',
    scopes: ['workflows:write'],
  });
  const other = await openAuth(api.url);
  const may = async (at: typeof api.auth) => {
    const chosen = await whoSends(signedIn.accessToken, { at, team: id });
    const byKey = await authenticate(at, { 'x-api-key': key }, 'GET');
    return [chosen, byKey].map((who) => who?.permissions.has('workflows:write'));
  };
  expect(await may(api.auth)).toEqual([true, true]);
  expect(await may(other)).toEqual([true, true]);
  const changed = await ann.api.teams.members.update({ id, userId: bob.userId, role: 'readonly' });
  expect(changed).toMatchObject({ userId: bob.userId, role: 'readonly', email: bob.email });
  expect(await may(api.auth)).toEqual([false, false]);
  await sleep(1_050);
  expect(await may(other)).toEqual([false, false]);
  await other.database.close();
});

test('the last admin can neither leave, nor be removed, nor get another role', async () => {
  const id = await teamOf();
  const bob = await join(id, 'admin');
  const userId = ann.principal.userId;
  await bob.api.teams.members.update({ id, userId: bob.userId, role: 'user' });
  expect(await problemOf(ann.api.teams.leave({ id }))).toMatchObject(lastAdmin);
  expect(await problemOf(ann.api.teams.members.remove({ id, userId }))).toMatchObject(lastAdmin);
  expect(await problemOf(ann.api.teams.members.update({ id, userId, role: 'user' }))).toMatchObject(lastAdmin);
  expect(await rolesIn(id)).toEqual({ [userId]: 'admin', [bob.userId]: 'user' });
});

test('of admins who leave, are removed and demoted at once, one stays', async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = await teamOf();
    const [bob, cy] = [await join(id, 'admin'), await join(id, 'admin')];
    const userId = ann.principal.userId;
    const tries = await Promise.allSettled([
      ann.api.teams.leave({ id }),
      bob.api.teams.leave({ id }),
      cy.api.teams.members.update({ id, userId: cy.userId, role: 'user' }),
      bob.api.teams.members.remove({ id, userId: cy.userId }),
      cy.api.teams.members.remove({ id, userId }),
    ]);
    expect(tries.some(({ status }) => status === 'rejected')).toBe(true);
    const { db } = api.database;
    const left = await db.selectFrom('memberships').select(['role']).where('team_id', '=', id).execute();
    expect(left.filter(({ role }) => role === 'admin').length).toBeGreaterThan(0);
  }
});

test('two admins who leave at once do not leave the team without one', async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = await teamOf();
    const bob = await join(id, 'admin');
    const tries = await Promise.allSettled([ann.api.teams.leave({ id }), bob.api.teams.leave({ id })]);
    expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    for (const one of tries.filter((one) => one.status === 'rejected')) {
      expect(await problemOf(Promise.reject(one.reason))).toMatchObject(lastAdmin);
    }
  }
});

test('a team is handed on in one step', async () => {
  const id = await teamOf();
  const bob = await join(id, 'readonly');
  const eve = await api.member();
  expect(await problemOf(ann.api.teams.transfer({ id, userId: eve.principal.userId }))).toMatchObject({ status: 404 });
  expect(await problemOf(ann.api.teams.transfer({ id, userId: ann.principal.userId }))).toMatchObject({ status: 404 });
  expect(await ann.api.teams.transfer({ id, userId: bob.userId })).toMatchObject({ userId: bob.userId, role: 'admin' });
  expect(await rolesIn(id)).toEqual({ [bob.userId]: 'admin', [ann.principal.userId]: 'user' });
  expect(await problemOf(ann.api.teams.transfer({ id, userId: bob.userId }))).toMatchObject({ status: 403 });
});

test('an API key neither leaves its team nor hands it on', async () => {
  const id = await teamOf();
  const bob = await join(id, 'admin');
  const key = callIn(bob.as({ ...bob.principal, teamId: id, kind: 'apiKey', sessionId: null }));
  expect(await problemOf(key.teams.leave({ id }))).toMatchObject({ status: 403 });
  expect(await problemOf(key.teams.transfer({ id, userId: ann.principal.userId }))).toMatchObject({ status: 403 });
});

test('threat 28: who was removed has no access by session, token, chosen team or API key, and is in another team of theirs', async () => {
  const id = await teamOf();
  const bob = await join(id);
  const { db } = api.database;
  const made = await signInAs(bob);
  // As a session that was begun in the team.
  await db.updateTable('sessions').set({ team_id: id }).where('id', '=', made.sessionId).execute();
  const { accessToken, refreshToken } = await refresh(api.auth, made.signedIn, from);
  const { key } = await (await inTeam(api.auth, bob, id)).auth.apiKeys.create({ name: 'A' });
  const cookie = sentBack(made.cookie);
  const other = await openAuth(api.url);
  for (const at of [api.auth, other]) {
    expect(await whoSends(accessToken, { at })).toMatchObject({ teamId: id });
    expect(await authenticate(at, { cookie }, 'GET')).toMatchObject({ teamId: id });
    expect(await authenticate(at, { 'x-api-key': key }, 'GET')).toMatchObject({ teamId: id });
  }
  await ann.api.teams.members.remove({ id, userId: bob.userId });
  for (const at of [api.auth, other]) {
    if (at === other) await sleep(1_050);
    await expect(whoSends(accessToken, { at })).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(whoSends(made.signedIn.accessToken, { at, team: id })).rejects.toMatchObject({ code: 'forbidden' });
    expect(await authenticate(at, { cookie }, 'GET')).toMatchObject({ teamId: bob.principal.teamId, role: 'admin' });
    const byKey = (async () => authenticate(at, { 'x-api-key': key }, 'GET'))();
    await expect(byKey).rejects.toMatchObject({ code: 'unauthenticated' });
  }
  expect((await refresh(api.auth, { refreshToken }, from)).team.id).toBe(bob.principal.teamId);
  expect(await problemOf(bob.api.teams.get({ id }))).toMatchObject({ status: 404 });
  expect(await problemOf(ann.api.teams.members.remove({ id, userId: bob.userId }))).toMatchObject({ status: 404 });
  await other.database.close();
});

test('threat 28: an API key does not come back to life when its owner is invited again', async () => {
  const id = await teamOf();
  const bob = await join(id);
  const { key } = await (await inTeam(api.auth, bob, id)).auth.apiKeys.create({ name: 'A' });
  await bob.api.teams.leave({ id });
  const { email } = bob;
  await ann.api.teams.invitations.create({ id, email });
  await bob.api.invitations.accept({ token: await tokenFor(email, 2) });
  const byKey = (async () => authenticate(api.auth, { 'x-api-key': key }, 'GET'))();
  await expect(byKey).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('threat 28: a stream that is open ends within seconds after its reader was removed', async () => {
  const id = await teamOf();
  const bob = await join(id);
  const there = await inTeam(api.auth, ann, id);
  const sleeping = chain({ id: 'sleep', type: 'delay', params: { seconds: 600 } });
  const workflow = await there.workflows.create({ name: 'A', definition: sleeping });
  const execution = await there.workflows.execute({ id: workflow.id, draft: true });
  const { signedIn } = await signInAs(bob);
  const again = () => whoSends(signedIn.accessToken, { team: id });
  const context = { ...bob.as(await again()), authenticateAgain: async () => again() };
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const stream = await callIn(context).executions.events({ id: execution.id, lastEventId: '999999999' });
    let over = false;
    const ended = (async () => {
      for await (const _ of stream);
      over = true;
    })();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(over).toBe(false);
    await ann.api.teams.members.remove({ id, userId: bob.userId });
    await vi.advanceTimersByTimeAsync(10_000);
    await ended;
  } finally {
    vi.useRealTimers();
  }
  await there.executions.cancel({ id: execution.id });
});

test('who was removed from their only team gets one of their own, and signs in', async () => {
  const id = await teamOf();
  const bob = await join(id);
  const { db } = api.database;
  await db.deleteFrom('memberships').where('team_id', '=', bob.principal.teamId).execute();
  await ann.api.teams.members.remove({ id, userId: bob.userId });
  const { signedIn } = await signInAs(bob);
  expect(signedIn.team.id).not.toBe(id);
  expect(await whoSends(signedIn.accessToken)).toMatchObject({ role: 'admin', teamId: signedIn.team.id });
});

test('so do all members of a team that is deleted', async () => {
  const id = await teamOf();
  const people = [await join(id), await join(id, 'readonly')];
  const made = await Promise.all(people.map((one) => signInAs(one)));
  const { db } = api.database;
  for (const { principal } of people) {
    await db.deleteFrom('memberships').where('team_id', '=', principal.teamId).execute();
    await db.updateTable('sessions').set({ team_id: id }).where('user_id', '=', principal.userId).execute();
  }
  await ann.api.teams.delete({ id });
  for (const [n, { signedIn, cookie }] of made.entries()) {
    const userId = people[n]?.userId;
    const { team } = await refresh(api.auth, signedIn, from);
    expect(team.id).not.toBe(id);
    expect(await authenticate(api.auth, { cookie: sentBack(cookie) }, 'GET')).toMatchObject({ userId, role: 'admin' });
  }
});

test('a user who is removed from two teams at once has a team all the same', async () => {
  const [one, two] = [await teamOf(), await teamOf()];
  const bob = await join(one);
  const { email } = bob;
  await ann.api.teams.invitations.create({ id: two, email });
  await bob.api.invitations.accept({ token: await tokenFor(email, 2) });
  await api.database.db.deleteFrom('memberships').where('team_id', '=', bob.principal.teamId).execute();
  await Promise.all([one, two].map((id) => ann.api.teams.members.remove({ id, userId: bob.userId })));
  expect((await signInAs(bob)).signedIn.team.id).toBeDefined();
});

test('a role that does not exist, and the one of guests, are given to nobody', async () => {
  const id = await teamOf();
  const bob = await join(id);
  for (const role of ['guest', 'owner', 'toString', '__proto__']) {
    const refused = await problemOf(ann.api.teams.members.update({ id, userId: bob.userId, role }));
    expect(refused).toMatchObject({ status: 400, errors: [{ path: 'role' }] });
  }
});
