import { deriveKey, seal, unseal } from '../auth/seal.ts';

/** Whose secret it is: sealed values open only for the same team, credential and kind. */
export type Owner = { teamId: string; id: string; kind: string };

/**
 * The keys that open sealed values, by id; new values are sealed with the current one. One key derived from SECRET_KEY seals
 * every row itself: a key per row would only be worth its second layer where the master key cannot leave a key service,
 * and re-encrypting a row costs the same as wrapping its key anew.
 */
export type SealingKeys = { currentId: string; byId: ReadonlyMap<string, Uint8Array> };

/** An id that tells keys apart and nothing about them. */
function idOf(secretKey: string): string {
  return Buffer.from(deriveKey(secretKey, 'flowplane credentials key id')).toString('hex').slice(0, 16);
}

/** @param previous an earlier (or the coming) SECRET_KEY: what it sealed can be read too. */
export function sealingKeys(secretKey: string, previous?: string): SealingKeys {
  const all = previous === undefined ? [secretKey] : [secretKey, previous];
  const byId = new Map(all.map((key) => [idOf(key), deriveKey(key, 'flowplane credentials')]));
  return { currentId: idOf(secretKey), byId };
}

function bound({ teamId, id, kind }: Owner): string {
  return JSON.stringify([teamId, id, kind]);
}

export function sealFor(keys: SealingKeys, owner: Owner, text: string): { key_id: string; sealed: string } {
  const key = keys.byId.get(keys.currentId);
  if (!key) throw new Error('the current key is one of the keys');
  return { key_id: keys.currentId, sealed: seal(key, text, bound(owner)) };
}

/** @throws Error that tells an operator why it does not open, and holds nothing of it. */
export function unsealFor(keys: SealingKeys, owner: Owner, { key_id, sealed }: { key_id: string; sealed: string }) {
  const key = keys.byId.get(key_id);
  if (!key) {
    throw new Error(
      `it was sealed with another SECRET_KEY (key id ${key_id}): start with that one as SECRET_KEY_PREVIOUS`,
    );
  }
  try {
    return unseal(key, sealed, bound(owner));
  } catch {
    throw new Error('what is stored was cut, changed or belongs to another row: restore it or replace its values');
  }
}
