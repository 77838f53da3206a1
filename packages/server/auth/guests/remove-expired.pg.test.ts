import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, chain, testApi } from '../../test-api.ts';
import { openAuth } from '../test-auth.ts';
import { startUpkeep } from '../upkeep.ts';
import { removeExpiredGuests } from './remove-expired.ts';
import { newGuest } from './test-guests.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let host: Awaited<ReturnType<typeof api.member>>;

beforeAll(async () => {
  api = await testApi({ auth: { guestDays: 7 } });
  host = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

async function expire(userId: string): Promise<void> {
  await sql`update guests set expires_at = now() where user_id = ${userId}`.execute(api.database.db);
}

async function there(id: string): Promise<boolean> {
  return (await sql`select from users where id = ${id}`.execute(api.database.db)).rows.length > 0;
}

test('guests whose time is over go with everything of theirs, also by several at once; others stay', async () => {
  const guests = await Promise.all(Array.from({ length: 4 }, () => newGuest(api, host)));
  const [stays, ...expired] = guests;
  if (!stays) throw new Error('no guest');
  for (const { api: as } of guests) {
    const { id } = await as.workflows.create({ name: 'Mine', definition: answering(1) });
    await as.workflows.publish({ id });
    await as.workflows.execute({ id, wait: 10 });
  }
  for (const { user } of expired) await expire(user.id);
  const scope = { db: api.database.db, engine: api.engine };
  const removed = await Promise.all([removeExpiredGuests(scope), removeExpiredGuests(scope)]);
  expect(removed.reduce((sum, one) => sum + one)).toBe(3);
  for (const { user, team } of expired) {
    expect(await there(user.id)).toBe(false);
    for (const table of ['teams', 'workflows', 'executions', 'definitions', 'sessions']) {
      const column = table === 'teams' ? 'id' : 'team_id';
      const { rows } = await sql`select from ${sql.table(table)} where ${sql.ref(column)} = ${team.id}`.execute(
        scope.db,
      );
      expect(rows, table).toEqual([]);
    }
  }
  expect((await stays.api.executions.list({})).items).toHaveLength(1);
  expect(await removeExpiredGuests(scope)).toBe(0);
});

test('what an expired guest has under way is ended before it goes', async () => {
  const guest = await newGuest(api, host);
  const definition = chain({ id: 'wait', type: 'delay', params: { seconds: 3_600 } });
  const { id } = await guest.api.workflows.create({ name: 'Waits', definition });
  const { id: executionId } = await guest.api.workflows.execute({ id, draft: true });
  await expire(guest.user.id);
  const statuses: string[] = [];
  const engine = {
    cancelAll: async (teamId: string, ids: string[]) => {
      const ended = await api.engine.cancelAll(teamId, ids);
      const row = api.database.db.selectFrom('executions').select('status').where('id', '=', executionId);
      statuses.push((await row.executeTakeFirstOrThrow()).status);
      return ended;
    },
  };
  expect(await removeExpiredGuests({ db: api.database.db, engine })).toBe(1);
  expect(statuses).toEqual(['cancelled']);
});

test('nobody else gets the slug of an expired guest whose webhooks may still be called', async () => {
  const guest = await newGuest(api, host);
  const triggers = [{ id: 'hook', type: 'webhook' as const, path: 'in', method: 'POST' as const }];
  const { id } = await guest.api.workflows.create({ name: 'Hook', definition: { ...answering(1), triggers } });
  await guest.api.workflows.publish({ id });
  await expire(guest.user.id);
  await removeExpiredGuests({ db: api.database.db, engine: api.engine });
  const kept = api.database.db.selectFrom('former_slugs').select('team_id').where('slug', '=', guest.team.slug);
  expect(await kept.execute()).toEqual([{ team_id: null }]);
});

test('the upkeep of identity does it by itself', async () => {
  const guest = await newGuest(api, host);
  await expire(guest.user.id);
  const errors: unknown[] = [];
  const auth = await openAuth(api.url);
  const upkeep = startUpkeep(auth, {
    rotationDays: 90,
    engine: api.engine,
    everyMs: 10,
    onError: (e) => errors.push(e),
  });
  await expect.poll(() => there(guest.user.id), { timeout: 10_000 }).toBe(false);
  await upkeep.stop();
  await auth.database.close();
  expect(errors).toEqual([]);
});
