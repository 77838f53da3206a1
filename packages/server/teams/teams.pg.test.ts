import { randomUUID } from 'node:crypto';
import { limits } from '@flowplane/contract/limits';
import { newId } from '@flowplane/db/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, chain, problemOf, testApi } from '../test-api.ts';
import { callIn, collectMails, inTeam, joined } from './test-team.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
let eve: Awaited<ReturnType<typeof api.member>>;
let tokenFor: ReturnType<typeof collectMails>['tokenFor'];
beforeAll(async () => {
  api = await testApi();
  ({ tokenFor } = collectMails(api.auth));
  ann = await api.member();
  eve = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const hook = {
  id: 'hook',
  type: 'webhook' as const,
  path: 'orders',
  method: 'POST' as const,
  respond: 'immediate' as const,
};

/** Publishes a workflow in a team of Ann's. */
async function published(teamId: string, definition = answering(1)): Promise<string> {
  const there = await inTeam(api.auth, ann, teamId);
  const { id } = await there.workflows.create({ name: 'A', definition });
  await there.workflows.publish({ id });
  return id;
}

test('whoever makes a team is its admin, finds it among theirs, and changes its name', async () => {
  const made = await ann.api.teams.create({ name: 'Zoë’s Shop' });
  expect(made).toMatchObject({ name: 'Zoë’s Shop', revision: 1 });
  expect(made.slug).toMatch(/^zoe-s-shop/);
  const { items } = await ann.api.teams.list({});
  expect(items.map(({ id, role }) => [id, role])).toEqual([
    [made.id, 'admin'],
    [ann.principal.teamId, 'admin'],
  ]);
  const renamed = await ann.api.teams.update({ id: made.id, name: 'Shop', revision: 1 });
  expect(renamed).toMatchObject({ name: 'Shop', slug: made.slug, revision: 2 });
  expect(await ann.api.teams.update({ id: made.id, name: 'Shop' })).toEqual(renamed);
  expect(await ann.api.teams.get({ id: made.id })).toEqual(renamed);
  const stale = ann.api.teams.update({ id: made.id, name: 'Stale', revision: 1 });
  expect(await problemOf(stale)).toMatchObject({ status: 412, code: 'precondition_failed' });
});

test('a list of teams goes on where its page ended, and an API key sees its own team only', async () => {
  const ben = await api.member();
  for (const name of ['One', 'Two']) await ben.api.teams.create({ name });
  const first = await ben.api.teams.list({ limit: 2 });
  const second = await ben.api.teams.list({ limit: 2, cursor: first.nextCursor ?? '' });
  expect([...first.items, ...second.items]).toHaveLength(3);
  expect(second.nextCursor).toBeNull();
  const key = { ...ben.principal, kind: 'apiKey' as const, sessionId: null };
  const { items } = await callIn(ben.as(key)).teams.list({});
  expect(items.map(({ id }) => id)).toEqual([ben.principal.teamId]);
  const elsewhere = callIn(ben.as(key)).teams.get({ id: first.items[0]?.id ?? '' });
  expect(await problemOf(elsewhere)).toMatchObject({ status: 404 });
  expect(await problemOf(callIn(ben.as(key)).teams.create({ name: 'By key' }))).toMatchObject({ status: 403 });
});

test.each(['Acme', ' acme ', 'ＡＣＭＥ', 'ａcme'])(
  'threat 15: a slug has one owner however it is written: %s',
  async (slug) => {
    await ann.api.teams.create({ name: 'Acme', slug: 'acme' }).catch(() => {});
    const twin = await problemOf(eve.api.teams.create({ name: 'Twin', slug }));
    expect(twin).toMatchObject({ status: 409, code: 'slug_taken', errors: [{ path: 'slug' }] });
    const moved = await problemOf(eve.api.teams.update({ id: eve.principal.teamId, slug, moveWebhooks: true }));
    expect(moved).toMatchObject({ status: 409, code: 'slug_taken' });
  },
);

test.each(['асме', 'acme\u200b', 'ac--me', '-acme', 'a/b', '', 'ACME\0', 'x'.repeat(49)])(
  'threat 15: what only looks like a slug is refused: %j',
  async (slug) => {
    const refused = await problemOf(eve.api.teams.create({ name: 'Twin', slug }));
    expect(refused).toMatchObject({ status: 400, errors: [{ path: 'slug' }] });
  },
);

test('another slug moves the webhooks only when one says so, and nobody else gets the old one', async () => {
  const before = `shop-${randomUUID().slice(0, 8)}`;
  const after = `${before}-new`;
  const { id } = await ann.api.teams.create({ name: 'Shop', slug: before });
  await published(id, { ...answering(1), triggers: [hook] });
  const find = (slug: string) => api.webhooks.find({ slug, method: 'POST', path: 'orders' });
  expect(await find(before)).toBeDefined();
  const refused = await problemOf(ann.api.teams.update({ id, slug: after }));
  expect(refused).toMatchObject({ status: 409, code: 'webhooks_would_move' });
  expect(refused.detail).toContain(`/hooks/${before}/`);
  expect(await ann.api.teams.update({ id, name: 'Still', slug: before })).toMatchObject({ name: 'Still' });
  expect(await ann.api.teams.update({ id, slug: after, moveWebhooks: true })).toMatchObject({ slug: after });
  expect(await find(before)).toBeUndefined();
  expect(await find(after)).toMatchObject({ teamId: id });
  expect(await problemOf(eve.api.teams.create({ name: 'Eve', slug: before }))).toMatchObject({ code: 'slug_taken' });
  expect((await eve.api.teams.create({ name: before })).slug).not.toBe(before);
  const back = await ann.api.teams.update({ id, slug: before, moveWebhooks: true });
  expect(back.slug).toBe(before);
  expect(await problemOf(eve.api.teams.create({ name: 'Eve', slug: after }))).toMatchObject({ code: 'slug_taken' });
});

test('of many who want one slug at once one gets it', async () => {
  const slug = `race-${randomUUID().slice(0, 8)}`;
  const tries = await Promise.allSettled([
    ...Array.from({ length: 5 }, () => ann.api.teams.create({ name: 'Race', slug })),
    eve.api.teams.update({ id: eve.principal.teamId, slug, moveWebhooks: true }),
  ]);
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const one of tries.filter((one) => one.status === 'rejected')) {
    expect(await problemOf(Promise.reject(one.reason))).toMatchObject({ code: 'slug_taken' });
  }
});

test('a slug that is left cannot be taken in the same moment', async () => {
  const before = `left-${randomUUID().slice(0, 8)}`;
  const { id } = await ann.api.teams.create({ name: 'Left', slug: before });
  await published(id);
  await Promise.allSettled([
    ann.api.teams.update({ id, slug: `${before}-new` }),
    ...Array.from({ length: 5 }, () => eve.api.teams.create({ name: 'Eve', slug: before })),
  ]);
  const owners = await api.database.db.selectFrom('teams').select('id').where('slug', '=', before).execute();
  expect(owners).toEqual([]);
});

test('the slug of a team that has never run anything is free again', async () => {
  const slug = `unused-${randomUUID().slice(0, 8)}`;
  const { id } = await ann.api.teams.create({ name: 'Unused', slug });
  await ann.api.teams.update({ id, slug: `${slug}-new` });
  expect(await eve.api.teams.create({ name: 'Eve', slug })).toMatchObject({ slug });
  await ann.api.teams.delete({ id });
  expect(await eve.api.teams.create({ name: 'Eve', slug: `${slug}-new` })).toMatchObject({ slug: `${slug}-new` });
});

test('a team is deleted with everything of it, and its slug goes to nobody', async () => {
  const slug = `gone-${randomUUID().slice(0, 8)}`;
  const { id } = await ann.api.teams.create({ name: 'Gone', slug });
  const there = await inTeam(api.auth, ann, id);
  const workflow = await published(id, { ...answering(1), triggers: [hook] });
  await there.workflows.execute({ id: workflow, wait: 10 });
  await there.events.send({ event: 'order.created' });
  await there.auth.apiKeys.create({ name: 'A key' });
  const values = { token: 'a-token' };
  await there.credentials.create({ name: 'A', kind: 'bearer', values, allowedHosts: ['api.example.com'] });
  await ann.api.teams.roles.create({ id, name: 'deployer', permissions: ['workflows:read'] });
  const bob = await joined({ api, tokenFor }, ann, { id, role: 'deployer' });
  await ann.api.teams.invitations.create({ id, email: 'late@example.com', role: 'deployer' });
  expect(await ann.api.teams.delete({ id, revision: 1 })).toBeUndefined();
  for (const who of [ann, bob]) {
    expect(await problemOf(who.api.teams.get({ id }))).toMatchObject({ status: 404 });
  }
  const { db } = api.database;
  const tables = [
    'memberships',
    'team_roles',
    'team_invitations',
    'workflows',
    'workflow_versions',
    'webhooks',
    'executions',
    'definitions',
    'events',
    'credentials',
    'api_keys',
    'sessions',
    'idempotency_keys',
  ] as const;
  for (const table of tables) {
    expect(await db.selectFrom(table).select('team_id').where('team_id', '=', id).execute(), table).toEqual([]);
  }
  expect(await api.webhooks.find({ slug, method: 'POST', path: 'orders' })).toBeUndefined();
  expect(await problemOf(eve.api.teams.create({ name: 'Eve', slug }))).toMatchObject({ code: 'slug_taken' });
});

test('who is still taken for a member of a team that was just deleted is told that it is gone', async () => {
  const { id } = await ann.api.teams.create({ name: 'Gone' });
  const there = await inTeam(api.auth, ann, id);
  await ann.api.teams.delete({ id });
  const late = [
    there.workflows.create({ name: 'Late', definition: answering(1) }),
    there.events.send({ event: 'order.created' }),
    there.auth.apiKeys.create({ name: 'Late' }),
  ];
  for (const answer of await Promise.all(late.map(problemOf))) {
    expect(answer).toMatchObject({ status: 404, code: 'not_found' });
  }
});

test('a team with executions under way is not deleted, unless with force: they are cancelled first', async () => {
  const { id } = await ann.api.teams.create({ name: 'Busy' });
  const there = await inTeam(api.auth, ann, id);
  const waiting = await published(id, chain({ id: 'wait', type: 'delay', params: { seconds: 600 } }));
  const calling = await published(id, chain({ id: 'call', type: 'workflow.call', params: { workflowId: waiting } }));
  const runs = [await there.workflows.execute({ id: waiting }), await there.workflows.execute({ id: calling })];
  await expect.poll(async () => (await there.executions.list({ workflowId: waiting })).items).toHaveLength(2);
  const refused = await problemOf(ann.api.teams.delete({ id }));
  expect(refused).toMatchObject({ status: 409, code: 'team_in_use' });
  expect(refused.detail).toContain('3 executions');
  for (const run of runs) expect((await there.executions.get({ id: run.id })).finishedAt).toBeNull();
  expect(await ann.api.teams.delete({ id, force: true })).toBeUndefined();
  const left = await api.database.db.selectFrom('executions').select('id').where('team_id', '=', id).execute();
  expect(left).toEqual([]);
});

test('the only team of a user is not deleted, also when two of them are at once', async () => {
  const ben = await api.member();
  expect(await problemOf(ben.api.teams.delete({ id: ben.principal.teamId }))).toMatchObject({
    status: 409,
    code: 'last_team',
  });
  const { id } = await ben.api.teams.create({ name: 'Second' });
  const tries = await Promise.allSettled([id, ben.principal.teamId].map((one) => ben.api.teams.delete({ id: one })));
  expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect((await ben.api.teams.list({})).items).toHaveLength(1);
});

test('a delete that is repeated with its key is no failure of the first one', async () => {
  const { id } = await ann.api.teams.create({ name: 'Keyed' });
  const context = ann.as(ann.principal);
  const keyed = { ...context, request: { ...context.request, idempotencyKey: randomUUID() } };
  await expect(callIn(keyed).teams.delete({ id })).resolves.toBeUndefined();
  expect(await problemOf(callIn(keyed).teams.delete({ id }))).toMatchObject({ status: 404 });
});

test('a user is in so many teams and no more, also when they are made at once', async () => {
  const ben = await api.member();
  const room = 2;
  const teams = Array.from({ length: limits.teamsOfUser - 1 - room }, () => {
    const id = newId();
    return { id, name: 'Many', slug: `many-${id}` };
  });
  const { db } = api.database;
  await db.insertInto('teams').values(teams).execute();
  const role = 'user' as const;
  const memberships = teams.map(({ id }) => ({ team_id: id, user_id: ben.principal.userId, role }));
  await db.insertInto('memberships').values(memberships).execute();
  const made = await Promise.allSettled(Array.from({ length: 5 }, () => ben.api.teams.create({ name: 'More' })));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(room);
  expect(await problemOf(ben.api.teams.create({ name: 'More' }))).toMatchObject({ code: 'quota_reached' });
});

test('names that are no names are refused', async () => {
  for (const name of ['', '  ', 'two\nlines', 'a\0', 'x'.repeat(101), '\ud800']) {
    expect(await problemOf(ann.api.teams.create({ name }))).toMatchObject({ status: 400, errors: [{ path: 'name' }] });
  }
});
