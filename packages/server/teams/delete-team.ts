import { Refusal } from '@flowplane/contract/errors';
import { roles } from '@flowplane/contract/permissions';
import type { teamDeleteInput } from '@flowplane/contract/team';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import type { Engine } from '@flowplane/engine/engine';
import type { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import type { Principal } from '../context.ts';
import type { Webhooks } from '../hooks/webhooks.ts';
import { giveTeams, moveSessions } from './departure.ts';
import { forgetPrincipals } from './forget.ts';
import { beyond } from './grants.ts';
import { lockTeam, lockUsers } from './lock.ts';
import { keepSlug } from './slugs.ts';

/** @throws Refusal `last_team`. */
async function requireAnotherTeam(tx: Db, userId: string, teamId: string): Promise<void> {
  const other = await tx
    .selectFrom('memberships')
    .select('team_id')
    .where('user_id', '=', userId)
    .where('team_id', '<>', teamId)
    .limit(1)
    .executeTakeFirst();
  if (!other) throw new Refusal('last_team', 'This is your only team: make another first, or join one.');
}

/** Ends what is under way, with `force`. The team's workflows must be locked. @throws Refusal `team_in_use`. */
async function endExecutions(
  { tx, engine }: { tx: Db; engine: Pick<Engine, 'stop'> },
  teamId: string,
  force: boolean,
): Promise<void> {
  const busy = await tx
    .selectFrom('executions')
    .select(['workflow_id', (eb) => eb.fn.countAll<string>().as('count')])
    .where('team_id', '=', teamId)
    .where('due_at', 'is not', null)
    .groupBy('workflow_id')
    .execute();
  const live = busy.reduce((sum, { count }) => sum + Number(count), 0);
  if (live > 0 && !force) {
    const what = live === 1 ? 'an execution' : `${live} executions`;
    throw new Refusal(
      'team_in_use',
      `The team has ${what} under way (${live}): wait for the end, cancel them, or delete it with force.`,
    );
  }
  for (const { workflow_id: workflowId } of busy) await engine.stop(teamId, workflowId);
}

/** Deletes a team whose workflows are locked and still, with everything of it, and lets its members go on elsewhere. */
async function removeTeam(tx: Db, { id, slug }: { id: string; slug: string }): Promise<void> {
  const members = await tx.selectFrom('memberships').select('user_id').where('team_id', '=', id).execute();
  const users = await lockUsers(
    tx,
    members.map(({ user_id: userId }) => userId),
  );
  await tx.deleteFrom('memberships').where('team_id', '=', id).execute();
  await giveTeams(tx, users);
  await moveSessions(tx, { teamId: id });
  await keepSlug(tx, slug, id);
  // Before what they refer to, which goes with the team.
  await tx.deleteFrom('team_invitations').where('team_id', '=', id).execute();
  await tx.deleteFrom('workflows').where('team_id', '=', id).execute();
  await tx.deleteFrom('idempotency_keys').where('team_id', '=', id).execute();
  await tx.deleteFrom('teams').where('id', '=', id).execute();
}

/**
 * Deletes a team with everything of it. Its members go on in another team of theirs, in a new one if they have none. With `force`,
 * executions that are under way are cancelled first. Nobody gets its slug.
 *
 * @throws Refusal `not_found`, `precondition_failed`, `team_in_use`, `last_team` for the caller's only one, `forbidden` to whoever
 *   may not do everything in the team.
 */
export async function deleteTeam(
  { auth, engine, webhooks }: { auth: Auth; engine: Pick<Engine, 'stop'>; webhooks: Pick<Webhooks, 'forget'> },
  principal: Principal,
  input: z.output<typeof teamDeleteInput>,
): Promise<void> {
  if (beyond(principal, roles.admin).length > 0) {
    throw new Refusal('forbidden', 'Only who may do everything in the team deletes it.');
  }
  await inTransaction(auth.database.db, async (tx) => {
    const team = await lockTeam(tx, input);
    await lockUsers(tx, [principal.userId]);
    await requireAnotherTeam(tx, principal.userId, team.id);
    // From here on nothing starts: a start waits for its workflow's row, and then finds that it is gone.
    await tx.selectFrom('workflows').select('id').where('team_id', '=', team.id).orderBy('id').forUpdate().execute();
    await endExecutions({ tx, engine }, team.id, input.force);
    await removeTeam(tx, team);
  });
  webhooks.forget();
  await forgetPrincipals(auth);
}
