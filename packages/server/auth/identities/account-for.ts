import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { inTransaction } from '@flowplane/db/transaction';
import { sql } from 'kysely';
import { createPersonalTeam } from '../personal-team.ts';
import { type Claims, firstText } from './claims.ts';

/** Makes those who come with the same identity at once take turns. */
export async function lockIdentity(tx: Db, { issuer, subject }: Claims): Promise<void> {
  const name = JSON.stringify(['flowplane identity', issuer, subject]);
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(tx);
}

/** Whose an identity is, which is noted as used; undefined when it is nobody's yet. */
export async function ownerOf(tx: Db, { issuer, subject, label }: Claims): Promise<string | undefined> {
  const row = await tx
    .updateTable('identities')
    .set({ last_used_at: sql<Date>`now()`, label })
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .returning('user_id')
    .executeTakeFirst();
  return row?.user_id;
}

/** Writes down that an identity is a user's. @returns its id. */
export async function keepIdentity(tx: Db, userId: string, claims: Claims): Promise<string> {
  const { provider, issuer, subject, label } = claims;
  const id = newId();
  await tx.insertInto('identities').values({ id, user_id: userId, provider, issuer, subject, label }).execute();
  return id;
}

function adviceFor({ provider, title }: Claims): string {
  if (provider === 'clerk') return 'Confirm the address both there and at Clerk, and it will be the same account.';
  return `Sign in to it by password, and link ${title} there.`;
}

/**
 * Whose an address is. An identity gets an account only if both sides know that the address is theirs: else whoever claims
 * another's address, there or here, would get into what is theirs, or have them in what is not.
 *
 * @throws Refusal `email_taken` when one of them does not know.
 */
async function ownerOfAddress(tx: Db, claims: Claims): Promise<string | undefined> {
  const { email, title } = claims;
  if (!email) return undefined;
  const row = await tx
    .selectFrom('users')
    .select(['id', 'email_verified_at'])
    .where('email', '=', email.address)
    .forShare()
    .executeTakeFirst();
  if (!row || (email.verified && row.email_verified_at)) return row?.id;
  const why = email.verified ? 'but its address was never confirmed' : `but ${title} has not verified that it is yours`;
  throw new Refusal(
    'email_taken',
    `There is an account of ${email.address}, ${why}. ${adviceFor(claims)} To choose a new password by mail confirms it too.`,
  );
}

/**
 * Makes an account without a password. An address that is not verified is left out: who has it one day would else find
 * themselves in an account that somebody else signs in to.
 *
 * @returns undefined when somebody has just taken the address.
 */
async function newAccount(tx: Db, { email, name, title }: Claims): Promise<string | undefined> {
  const address = email?.verified ? email.address : null;
  const shown = firstText(100, name, address?.slice(0, address.lastIndexOf('@')), `${title} user`) ?? 'User';
  const created = await tx
    .insertInto('users')
    .values({
      id: newId(),
      email: address,
      name: shown,
      password_hash: null,
      email_verified_at: address === null ? null : sql<Date>`now()`,
    })
    .onConflict((conflict) => conflict.column('email').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!created) return undefined;
  await createPersonalTeam(tx, { userId: created.id, name: shown });
  return created.id;
}

/** Gives an account that has no address yet the one that its identity has verified meanwhile, unless somebody else has it. */
async function adoptAddress(tx: Db, userId: string, { email }: Claims): Promise<void> {
  if (!email?.verified) return;
  const { address } = email;
  await tx
    .updateTable('users')
    .set({ email: address, email_verified_at: sql<Date>`now()` })
    .where('id', '=', userId)
    .where('email', 'is', null)
    .where(({ not, exists, selectFrom }) => not(exists(selectFrom('users').select('id').where('email', '=', address))))
    .execute();
}

/**
 * The account of an identity: the one that has it, else the one with the same address, if both sides have verified that, else a new
 * one.
 *
 * @throws Refusal `email_taken` when an account has the address, but somebody has not verified it.
 */
export function accountFor(db: Db, claims: Claims): Promise<string> {
  return inTransaction(db, async (tx) => {
    await lockIdentity(tx, claims);
    const known = await ownerOf(tx, claims);
    if (known !== undefined) {
      await adoptAddress(tx, known, claims);
      return known;
    }
    const owner =
      (await ownerOfAddress(tx, claims)) ?? (await newAccount(tx, claims)) ?? (await ownerOfAddress(tx, claims));
    if (owner === undefined) throw new Refusal('conflict', 'The account was just deleted: try again.');
    await keepIdentity(tx, owner, claims);
    return owner;
  });
}
