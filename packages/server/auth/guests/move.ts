import type { guestMerged } from '@flowplane/contract/auth';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import type { z } from 'zod';

/** From the guest's team and user to the team and user that everything becomes. */
export type Move = { from: { teamId: string; userId: string }; to: { teamId: string; userId: string } };

type Moved = z.output<typeof guestMerged>;

/**
 * What becomes of each table that has a `team_id` when a guest is merged into an account: `moved`, or `gone` with the guest. A
 * table that is new has to be decided on here.
 */
export const ofTables = {
  api_keys: 'gone',
  // Rows of the log are never changed: they say who a team was then.
  audit_events: 'gone',
  credentials: 'gone',
  definitions: 'moved',
  event_triggers: 'moved',
  events: 'moved',
  // With their workflow, by their foreign key.
  executions: 'moved',
  guests: 'gone',
  idempotency_keys: 'gone',
  // The guest's slug, under which nobody else is to be called.
  former_slugs: 'moved',
  memberships: 'gone',
  schedules: 'moved',
  sessions: 'gone',
  team_invitations: 'gone',
  team_roles: 'gone',
  waits: 'moved',
  webhooks: 'moved',
  workflow_versions: 'moved',
  workflows: 'moved',
} as const;

async function countOf(tx: Db, table: 'workflows' | 'executions' | 'schedules' | 'events', teamId: string) {
  const { count } = await tx
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('team_id', '=', teamId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/**
 * Hands back what is under way, like a worker that stops: whoever takes it next loads it with its new team. Ends no step; what a
 * worker does at this moment is done again.
 *
 * @returns the ids.
 */
async function handBack(tx: Db, teamId: string): Promise<string[]> {
  // In the order in which others lock several, so that nobody waits in a circle.
  const { rows } = await sql<{ id: string; status: string }>`
    select id, status from executions where team_id = ${teamId} and due_at is not null order by id for update`.execute(
    tx,
  );
  const running = rows.filter(({ status }) => status === 'running').map(({ id }) => id);
  await sql`
    update executions set status = 'pending', queue_rank = priority, worker = null, fence = fence + 1, due_at = now(),
      events = events + 1, sequence = events + 1
    where id = any(${running}::uuid[])`.execute(tx);
  return running;
}

async function moveWorkflows(tx: Db, { from, to }: Move): Promise<void> {
  await sql`
    insert into definitions (team_id, hash, body, created_at)
    select ${to.teamId}, hash, body, created_at from definitions where team_id = ${from.teamId} order by hash
    on conflict (team_id, hash) do update set kept_at = now()`.execute(tx);
  await tx.updateTable('workflows').set({ team_id: to.teamId }).where('team_id', '=', from.teamId).execute();
  await tx.updateTable('workflow_versions').set({ team_id: to.teamId }).where('team_id', '=', from.teamId).execute();
  await tx
    .updateTable('workflow_versions')
    .set({ published_by: to.userId })
    .where('published_by', '=', from.userId)
    .execute();
}

async function moveTriggers(tx: Db, { from, to }: Move): Promise<void> {
  await tx.updateTable('event_triggers').set({ team_id: to.teamId }).where('team_id', '=', from.teamId).execute();
  // Who has claimed one knows it as the guest's: its write is refused, and it is looked at again.
  await tx
    .updateTable('schedules')
    .set({ team_id: to.teamId, fence: sql<string>`fence + 1` })
    .where('team_id', '=', from.teamId)
    .execute();
}

/** Where the team has an event of the same name, the guest's goes on under its own id. */
async function moveEvents(tx: Db, { from, to }: Move): Promise<void> {
  await sql`
    update events e set team_id = ${to.teamId},
      key = case when exists (select from events o where o.team_id = ${to.teamId} and o.key = e.key) then e.id::text else e.key end
    where team_id = ${from.teamId}`.execute(tx);
  await tx
    .updateTable('waits')
    .set({ resolved_by: to.userId })
    .where('team_id', '=', from.teamId)
    .where('resolved_by', '=', from.userId)
    .execute();
  await tx.updateTable('waits').set({ team_id: to.teamId }).where('team_id', '=', from.teamId).execute();
}

type Hook = {
  workflow_id: string;
  trigger_id: string;
  method: string;
  path: string;
  before: string;
  after: string;
  taken: boolean;
};

/** Webhooks that the team has had keep their addresses: the guest's on the same ones count as published before them. */
async function moveWebhooks(tx: Db, { from, to }: Move): Promise<Moved['webhooks']> {
  const { rows } = await sql<Hook>`
    update webhooks h set team_id = ${to.teamId}, published_at = least(h.published_at, first.at - interval '1 microsecond')
    from (
      select g.workflow_id, g.trigger_id, (
        select min(published_at) from webhooks o
        where o.team_id = ${to.teamId} and o.method = g.method and coalesce(o.pattern, o.path) = coalesce(g.pattern, g.path)) as at
      from webhooks g where g.team_id = ${from.teamId}
    ) first, teams old, teams new
    where h.workflow_id = first.workflow_id and h.trigger_id = first.trigger_id
      and old.id = ${from.teamId} and new.id = ${to.teamId}
    returning h.workflow_id, h.trigger_id, h.method, h.path, old.slug as before, new.slug as after, first.at is not null as taken`.execute(
    tx,
  );
  return rows.map((row) => ({
    workflowId: row.workflow_id,
    triggerId: row.trigger_id,
    method: row.method,
    before: `/hooks/${row.before}/${row.path}`,
    path: `/hooks/${row.after}/${row.path}`,
    answers: !row.taken,
  }));
}

/** Moves everything that is a team's into another. @returns what it moved, and the executions that are to be nudged. */
export async function moveTeam(tx: Db, move: Move): Promise<{ moved: Moved; handedBack: string[] }> {
  const { teamId } = move.from;
  const handedBack = await handBack(tx, teamId);
  const counts = {
    workflows: await countOf(tx, 'workflows', teamId),
    executions: await countOf(tx, 'executions', teamId),
    schedules: await countOf(tx, 'schedules', teamId),
    events: await countOf(tx, 'events', teamId),
  };
  await moveWorkflows(tx, move);
  await moveTriggers(tx, move);
  await moveEvents(tx, move);
  return { moved: { ...counts, webhooks: await moveWebhooks(tx, move) }, handedBack };
}
