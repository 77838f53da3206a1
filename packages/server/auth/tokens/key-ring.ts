import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import { deriveKey } from '../seal.ts';
import { makeSigningKey, openSigningKey, type SigningKey } from './signing-key.ts';

/** For how long (ms) the keys are not read again, whatever a token says: a flood of unknown key ids costs one query. */
const freshMs = 30_000;

/** The keys of the instance as this process knows them. */
export type KeyRing = {
  db: Db;
  sealingKey: Uint8Array;
  /** The newest first. `signs`: since when it does, by the database's clock when it was read. */
  keys: { key: SigningKey; signs: boolean }[];
  readAt: number;
  reading: Promise<void> | undefined;
  /** Told when a key is gone, so that nothing goes on that it has vouched for. */
  onGone: () => void;
};

/** Lets those who change the keys take turns. */
export async function lockKeys(tx: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('flowplane signing key', 0))`.execute(tx);
}

/** Makes a key that signs at once, unless there is one. */
async function makeFirst({ db, sealingKey }: KeyRing): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockKeys(tx);
    const some = await tx
      .selectFrom('signing_keys')
      .select('kid')
      // Not as of when the transaction began: another one may have made it while this one waited.
      .where('signs_from', '<=', sql<Date>`clock_timestamp()`)
      .where('verifies_until', '>', sql<Date>`clock_timestamp()`)
      .limit(1)
      .executeTakeFirst();
    if (!some) await makeSigningKey(tx, sealingKey, sql<Date>`now()`);
  });
}

async function read(ring: KeyRing): Promise<void> {
  const { db, sealingKey, keys: before } = ring;
  const askedAt = performance.now();
  const rows = await db
    .selectFrom('signing_keys')
    .select(['kid', 'sealed_private_jwk', sql<boolean>`signs_from <= now()`.as('signs')])
    .where('verifies_until', '>', sql<Date>`now()`)
    .orderBy('created_at', 'desc')
    .execute();
  ring.keys = await Promise.all(
    rows.map(async ({ kid, sealed_private_jwk: sealed, signs }) => {
      const known = before.find(({ key }) => key.kid === kid)?.key;
      return { key: known ?? (await openSigningKey(sealingKey, kid, sealed)), signs };
    }),
  );
  ring.readAt = askedAt;
  if (before.some(({ key }) => !ring.keys.some((now) => now.key.kid === key.kid))) ring.onGone();
}

/** Reads the keys again. Who asks meanwhile shares the query. */
export function readKeys(ring: KeyRing): Promise<void> {
  ring.reading ??= read(ring).finally(() => {
    ring.reading = undefined;
  });
  return ring.reading;
}

async function current(ring: KeyRing): Promise<KeyRing['keys']> {
  if (performance.now() - ring.readAt > freshMs) await readKeys(ring);
  return ring.keys;
}

/**
 * Opens the instance's keys, of which the first is made at the first start. Processes that start at once agree on one.
 *
 * @throws Error when `secretKey` is not the one that the keys were sealed with.
 */
export async function openKeyRing(db: Db, secretKey: string, onGone: () => void): Promise<KeyRing> {
  const sealingKey = deriveKey(secretKey, 'flowplane signing keys');
  const ring: KeyRing = { db, sealingKey, keys: [], readAt: 0, reading: undefined, onGone };
  await makeFirst(ring);
  await readKeys(ring);
  return ring;
}

/** The key that signs now: the newest whose time has come. Should somebody have removed them all, a new one is made. */
export async function signingKey(ring: KeyRing): Promise<SigningKey> {
  const newest = (keys: KeyRing['keys']) => keys.find(({ signs }) => signs)?.key;
  const found = newest(await current(ring));
  if (found) return found;
  await makeFirst(ring);
  await readKeys(ring);
  const made = newest(ring.keys);
  if (!made) throw new Error('None of the signing keys in the database signs, though one was made.');
  return made;
}

/** The key of an id, if its tokens are (still) good. */
export async function verifyingKey(ring: KeyRing, kid: string | undefined): Promise<SigningKey | undefined> {
  return (await current(ring)).find(({ key }) => key.kid === kid)?.key;
}

/** The keys that others verify our tokens with, also those that will sign soon, as a JWK Set (RFC 7517). */
export async function publicKeys(ring: KeyRing) {
  const keys = await current(ring);
  return { keys: keys.map(({ key }) => ({ ...key.publicJwk, kid: key.kid, alg: 'RS256', use: 'sig' })) };
}
