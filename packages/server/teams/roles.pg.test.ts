import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '@flowplane/contract/limits';
import { permissions, roles } from '@flowplane/contract/permissions';
import { newId } from '@flowplane/db/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { login } from '../auth/accounts.ts';
import { authenticate } from '../auth/authenticate.ts';
import { from, openAuth, password, sentBack } from '../auth/test-auth.ts';
import { refresh } from '../auth/tokens/refresh.ts';
import { problemOf, testApi } from '../test-api.ts';
import { callIn, collectMails, emailOf, inTeam, joined, type Person } from './test-team.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Person;
let id: string;
let tokenFor: ReturnType<typeof collectMails>['tokenFor'];
beforeAll(async () => {
  api = await testApi();
  ({ tokenFor } = collectMails(api.auth));
  ann = await api.member();
  id = (await ann.api.teams.create({ name: 'Acme' })).id;
});
afterAll(() => api[Symbol.asyncDispose]());

const forbidden = { status: 403, code: 'forbidden' };

function join(role: string, team = id) {
  return joined({ api, tokenFor }, ann, { id: team, role });
}

test('the built-in roles are listed first, as they are', async () => {
  const { items } = await ann.api.teams.roles.list({ id });
  expect(items.slice(0, 4).map(({ name, builtIn }) => [name, builtIn])).toEqual([
    ['admin', true],
    ['user', true],
    ['agent', true],
    ['readonly', true],
  ]);
  for (const name of ['admin', 'user', 'agent', 'readonly'] as const) {
    const role = await ann.api.teams.roles.get({ id, role: name });
    expect(role.permissions).toEqual(roles[name]);
  }
  expect(await problemOf(ann.api.teams.roles.get({ id, role: 'guest' }))).toMatchObject({ status: 404 });
});

test('a role is defined, changed, given and deleted', async () => {
  const role = await ann.api.teams.roles.create({
    id,
    name: 'deployer',
    description: 'Deploys',
    permissions: ['workflows:read', 'workflows:write', 'workflows:read'],
  });
  expect(role).toEqual({
    teamId: id,
    name: 'deployer',
    description: 'Deploys',
    permissions: ['workflows:read', 'workflows:write'],
    builtIn: false,
    revision: 1,
  });
  const bob = await join('deployer');
  expect(await problemOf(ann.api.teams.roles.delete({ id, role: 'deployer' }))).toMatchObject({
    status: 409,
    code: 'role_in_use',
  });
  const changed = await ann.api.teams.roles.update({ id, role: 'deployer', name: 'releaser', revision: 1 });
  expect(changed).toMatchObject({ name: 'releaser', revision: 2 });
  expect(await ann.api.teams.roles.update({ id, role: 'releaser', permissions: role.permissions })).toEqual(changed);
  const stale = ann.api.teams.roles.update({ id, role: 'releaser', permissions: [], revision: 1 });
  expect(await problemOf(stale)).toMatchObject({ status: 412, code: 'precondition_failed' });
  expect((await bob.api.teams.list({})).items).toContainEqual(expect.objectContaining({ id, role: 'releaser' }));
  await ann.api.teams.members.remove({ id, userId: bob.userId });
  expect(await problemOf(ann.api.teams.roles.delete({ id, role: 'releaser', revision: 1 }))).toMatchObject({
    status: 412,
  });
  expect(await ann.api.teams.roles.delete({ id, role: 'releaser', revision: 2 })).toBeUndefined();
  expect(await problemOf(ann.api.teams.roles.get({ id, role: 'releaser' }))).toMatchObject({ status: 404 });
});

test('a role that somebody is invited to is in use until the invitation is gone', async () => {
  await ann.api.teams.roles.create({ id, name: 'invited', permissions: [] });
  const open = await ann.api.teams.invitations.create({ id, email: 'role@example.com', role: 'invited' });
  const remove = () => ann.api.teams.roles.delete({ id, role: 'invited' });
  expect(await problemOf(remove())).toMatchObject({ code: 'role_in_use' });
  const { db } = api.database;
  await db
    .updateTable('team_invitations')
    .set({ expires_at: new Date(0) })
    .where('id', '=', open.id)
    .execute();
  expect(await remove()).toBeUndefined();
});

test('a role is what its holders may do, by session, token, API key and chosen team, and what everybody may', async () => {
  await ann.api.teams.roles.create({ id, name: 'writer', permissions: ['workflows:write', 'api-keys:write'] });
  const bob = await join('writer');
  const { signedIn, cookie, sessionId } = await login(api.auth, { email: bob.email, password }, from);
  const team = { 'x-team-id': id };
  const chosen = await authenticate(api.auth, { authorization: `Bearer ${signedIn.accessToken}`, ...team }, 'GET');
  const { key } = await callIn(bob.as(chosen)).auth.apiKeys.create({ name: 'A', scopes: [...permissions] });
  await api.database.db.updateTable('sessions').set({ team_id: id }).where('id', '=', sessionId).execute();
  const { accessToken, team: own } = await refresh(api.auth, signedIn, from);
  expect(own.id).toBe(id);
  const may = ['account:read', 'account:write', 'api-keys:write', 'teams:read', 'workflows:write'];
  const ways = [
    chosen,
    await authenticate(api.auth, { authorization: `Bearer ${accessToken}` }, 'GET'),
    await authenticate(api.auth, { cookie: sentBack(cookie) }, 'GET'),
    await authenticate(api.auth, { 'x-api-key': key }, 'GET'),
  ];
  for (const principal of ways) {
    expect(principal).toMatchObject({ userId: bob.userId, teamId: id, role: 'writer' });
    expect([...(principal?.permissions ?? [])].sort()).toEqual(may);
  }
  expect((await login(api.auth, { email: bob.email, password }, from)).signedIn.team.id).toBe(bob.principal.teamId);
  expect(await callIn(bob.as(chosen)).users.me()).toMatchObject({ role: 'writer', team: { id } });
  const { whoami } = callIn(bob.as(ways[3])).auth;
  expect(await whoami()).toMatchObject({ kind: 'apiKey', role: 'writer' });

  const other = await openAuth(api.url);
  const byKey = () => authenticate(other, { 'x-api-key': key }, 'GET');
  expect((await byKey())?.permissions.has('workflows:write')).toBe(true);
  await ann.api.teams.roles.update({ id, role: 'writer', permissions: ['workflows:read'] });
  const here = await authenticate(api.auth, { authorization: `Bearer ${accessToken}` }, 'GET');
  expect([...(here?.permissions ?? [])]).not.toContain('workflows:write');
  await sleep(1_050);
  expect([...((await byKey())?.permissions ?? [])]).not.toContain('workflows:write');
  await other.database.close();
});

test('who manages members gives nobody more than they have: not themselves, not others, not by a role, not by an invitation', async () => {
  const manager = ['teams:write', 'workflows:read'] as const;
  await ann.api.teams.roles.create({ id, name: 'manager', permissions: [...manager] });
  await ann.api.teams.roles.create({ id, name: 'powerful', permissions: ['teams:write', 'credentials:write'] });
  const [bob, cy, admin] = [await join('manager'), await join('manager'), await join('admin')];
  const { teams } = bob.api;
  const escalations = [
    () => teams.members.update({ id, userId: bob.userId, role: 'admin' }),
    () => teams.members.update({ id, userId: bob.userId, role: 'powerful' }),
    () => teams.members.update({ id, userId: cy.userId, role: 'admin' }),
    () => teams.members.update({ id, userId: cy.userId, role: 'readonly' }),
    () => teams.members.update({ id, userId: admin.userId, role: 'manager' }),
    () => teams.members.remove({ id, userId: admin.userId }),
    () => teams.invitations.create({ id, email: 'bob-too@example.com', role: 'admin' }),
    () => teams.invitations.create({ id, email: 'bob-too@example.com', role: 'user' }),
    () => teams.roles.create({ id, name: 'mine', permissions: [...permissions] }),
    () => teams.roles.create({ id, name: 'mine', permissions: ['credentials:read'] }),
    () => teams.roles.update({ id, role: 'manager', permissions: [...manager, 'workflows:write'] }),
    () => teams.roles.update({ id, role: 'powerful', permissions: ['teams:write'] }),
    () => teams.roles.delete({ id, role: 'powerful' }),
    () => teams.transfer({ id, userId: bob.userId }),
    () => teams.transfer({ id, userId: cy.userId, role: 'manager' }),
    () => teams.delete({ id, force: true }),
  ];
  for (const attempt of escalations) {
    const refused = await problemOf(attempt());
    expect([403, 404], attempt.toString()).toContain(refused.status);
  }
  const { items } = await ann.api.teams.members.list({ id, limit: 100 });
  const roleOf = (userId: string) => items.find((member) => member.userId === userId)?.role;
  expect([bob, cy, admin].map(({ userId }) => roleOf(userId))).toEqual(['manager', 'manager', 'admin']);
  // What they have they may give and take.
  await teams.roles.create({ id, name: 'looker', permissions: ['workflows:read'] });
  expect(await teams.members.update({ id, userId: cy.userId, role: 'looker' })).toMatchObject({ role: 'looker' });
  expect(await teams.roles.update({ id, role: 'manager', permissions: ['teams:write'] })).toMatchObject({
    revision: 2,
  });
  expect(await problemOf(teams.roles.update({ id, role: 'manager', permissions: [...manager] }))).toMatchObject(
    forbidden,
  );
});

test('an API key gives no more than its scopes, though its owner is an admin', async () => {
  const scopes = new Set(['teams:read', 'teams:write'] as const);
  const principal = { ...ann.principal, teamId: id, kind: 'apiKey' as const, permissions: scopes };
  const { teams } = callIn(ann.as(principal));
  const refused = [
    () => teams.invitations.create({ id, email: 'by-key@example.com', role: 'readonly' }),
    () => teams.roles.create({ id, name: 'by-key', permissions: ['workflows:read'] }),
    () => teams.members.update({ id, userId: ann.principal.userId, role: 'user' }),
    () => teams.delete({ id, force: true }),
  ];
  for (const attempt of refused) expect(await problemOf(attempt()), attempt.toString()).toMatchObject(forbidden);
  const made = await teams.roles.create({ id, name: 'by-key', permissions: ['teams:write'] });
  expect(made.permissions).toEqual(['teams:write']);
});

test('nobody resends an invitation to a role that may do more than they', async () => {
  await ann.api.teams.roles.create({ id, name: 'sender', permissions: ['teams:write'] });
  const bob = await join('sender');
  const open = await ann.api.teams.invitations.create({ id, email: 'resent@example.com', role: 'admin' });
  expect(await problemOf(bob.api.teams.invitations.resend({ id, invitationId: open.id }))).toMatchObject(forbidden);
});

test('invitations end when the role of who sent them is changed', async () => {
  await ann.api.teams.roles.create({ id, name: 'inviter', permissions: ['teams:write', 'events:read'] });
  await ann.api.teams.roles.create({ id, name: 'listener', permissions: ['events:read'] });
  const [bob, eve] = [await join('inviter'), await api.member()];
  const email = await emailOf(eve);
  await bob.api.teams.invitations.create({ id, email, role: 'listener' });
  const token = await tokenFor(email);
  await ann.api.teams.roles.update({ id, role: 'inviter', permissions: ['teams:write'] });
  expect(await problemOf(eve.api.invitations.accept({ token }))).toMatchObject({ status: 400 });
});

test('built-in roles are changed by nobody, and their names are taken however they are written', async () => {
  expect(await problemOf(ann.api.teams.roles.update({ id, role: 'user', permissions: [] }))).toMatchObject(forbidden);
  expect(await problemOf(ann.api.teams.roles.delete({ id, role: 'admin' }))).toMatchObject(forbidden);
  for (const name of ['admin', 'Admin', 'ＡＤＭＩＮ', ' admin ', 'guest', 'аdmin', '', '1st', '__proto__', 'a b']) {
    const refused = await problemOf(ann.api.teams.roles.create({ id, name, permissions: [] }));
    expect(refused, name).toMatchObject({ status: 400, errors: [{ path: 'name' }] });
  }
  await ann.api.teams.roles.create({ id, name: 'twin', permissions: [] });
  for (const name of ['twin', 'Twin', 'ｔｗｉｎ']) {
    const refused = await problemOf(ann.api.teams.roles.create({ id, name, permissions: [] }));
    expect(refused, name).toMatchObject({ status: 409, code: 'conflict' });
  }
  await ann.api.teams.roles.create({ id, name: 'other', permissions: [] });
  const renamed = ann.api.teams.roles.update({ id, role: 'other', name: 'twin' });
  expect(await problemOf(renamed)).toMatchObject({ code: 'conflict' });
});

test('a role of another team is none of this one', async () => {
  const own = ann.principal.teamId;
  await ann.api.teams.roles.create({ id: own, name: 'elsewhere', permissions: [] });
  const refused = ann.api.teams.invitations.create({ id, email: 'other@example.com', role: 'elsewhere' });
  expect(await problemOf(refused)).toMatchObject({ status: 400, errors: [{ path: 'role' }] });
  const bob = await join('user');
  const { db } = api.database;
  const foreign = await db.selectFrom('team_roles').select('id').where('team_id', '=', own).executeTakeFirstOrThrow();
  const crossed = db
    .updateTable('memberships')
    .set({ role: null, role_id: foreign.id })
    .where('user_id', '=', bob.userId)
    .where('team_id', '=', id)
    .execute();
  await expect(crossed).rejects.toThrow('foreign key');
});

test('a role is not deleted in the moment in which it is given to somebody', async () => {
  for (let round = 0; round < 5; round += 1) {
    const role = `race-${round}`;
    await ann.api.teams.roles.create({ id, name: role, permissions: [] });
    const bob = await join('user');
    const tries = await Promise.allSettled([
      ann.api.teams.members.update({ id, userId: bob.userId, role }),
      ann.api.teams.roles.delete({ id, role }),
    ]);
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await (await inTeam(api.auth, bob, id)).users.me()).toMatchObject({ team: { id } });
  }
});

test('a team has so many roles of its own and no more', async () => {
  const ben = await api.member();
  const { teamId } = ben.principal;
  const many = Array.from({ length: limits.teamRoles - 1 }, (_, n) => ({
    id: newId(),
    team_id: teamId,
    name: `role-${n}`,
    description: '',
    permissions: [],
  }));
  await api.database.db.insertInto('team_roles').values(many).execute();
  const make = (name: string) => ben.api.teams.roles.create({ id: teamId, name, permissions: [] });
  const made = await Promise.allSettled(['a', 'b', 'c'].map(make));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await problemOf(make('d'))).toMatchObject({ code: 'quota_reached' });
});
