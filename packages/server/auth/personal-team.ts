import { randomInt } from 'node:crypto';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { insertTeam } from '../teams/slugs.ts';

const letters = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A name as it may stand in an address: `Zoë d'Arc` → `zoe-d-arc`, at most 40 characters, `team` when nothing is left. */
export function slugOf(name: string): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const slug = plain.replaceAll(/[^a-z0-9]+/g, '-').slice(0, 40);
  return slug.replace(/^-+|-+$/g, '') || 'team';
}

function suffix(): string {
  return Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join('');
}

/**
 * Makes a user's own team, with the user as its admin. Its slug is the name's, with six random characters when that is
 * taken.
 */
export async function createPersonalTeam(
  tx: Db,
  { userId, name }: { userId: string; name: string },
): Promise<{ id: string; name: string; slug: string }> {
  const wanted = slugOf(name);
  for (const slug of [wanted, `${wanted}-${suffix()}`, `${wanted}-${suffix()}`]) {
    const team = { id: newId(), name, slug };
    if (await insertTeam(tx, team)) {
      await tx.insertInto('memberships').values({ team_id: team.id, user_id: userId, role: 'admin' }).execute();
      return team;
    }
  }
  throw new Refusal('conflict', `No team could be named ${wanted}: try again.`);
}
