import { Refusal } from '@flowplane/contract/errors';
import type { TeamDetails, teamUpdateInput } from '@flowplane/contract/team';
import type { Db } from '@flowplane/db/database';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Webhooks } from '../hooks/webhooks.ts';
import { lockTeam } from './lock.ts';
import { exchangeSlug } from './slugs.ts';
import { teamOf } from './teams.ts';

/** Who changes a slug has to know that others call its webhooks. @throws Refusal `webhooks_would_move`. */
async function requireNoWebhooks(tx: Db, { id, from, to }: { id: string; from: string; to: string }): Promise<void> {
  const { count } = await tx
    .selectFrom('webhooks')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('team_id', '=', id)
    .executeTakeFirstOrThrow();
  if (count === '0') return;
  const what = count === '1' ? 'A webhook answers' : `${count} webhooks answer`;
  throw new Refusal(
    'webhooks_would_move',
    `${what} under /hooks/${from}/, and would answer only under /hooks/${to}/: repeat it with moveWebhooks, and tell their callers.`,
  );
}

/**
 * Changes what is given and raises the revision; a change that changes nothing does not. Another slug is another address for each
 * webhook of the team: so as not to happen by the way, it needs `moveWebhooks` while there are some. No other team gets the old slug.
 *
 * @throws Refusal `not_found`, `precondition_failed`, `slug_taken`, `webhooks_would_move`.
 */
export async function updateTeam(
  { db, webhooks }: { db: Db; webhooks: Pick<Webhooks, 'forget'> },
  input: z.output<typeof teamUpdateInput>,
): Promise<TeamDetails> {
  const changed = await inTransaction(db, async (tx) => {
    const row = await lockTeam(tx, input);
    const { name = row.name, slug = row.slug } = input;
    if (name === row.name && slug === row.slug) return row;
    if (slug !== row.slug) {
      const change = { id: row.id, from: row.slug, to: slug };
      if (!input.moveWebhooks) await requireNoWebhooks(tx, change);
      await exchangeSlug(tx, change);
    }
    return tx
      .updateTable('teams')
      .set({ name, slug, revision: row.revision + 1, updated_at: sql<Date>`now()` })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
  webhooks.forget();
  return teamOf(changed);
}
