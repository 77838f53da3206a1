import type { LRUCache } from 'lru-cache';

/** How long (ms) a looked-up credential is trusted: what ends it holds everywhere after this. */
export const trustMs = 1_000;

/** A value that was looked up; a promise while the lookup runs, which others that come meanwhile share. */
export type LookedUp<Value> = { value: Value | Promise<Value | undefined> };

async function ask<Value extends object>(
  known: LRUCache<string, LookedUp<Value>>,
  key: string,
  lookUp: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  const lookup = lookUp();
  // Kept from before the answer is there: the time of trust counts from when the database was asked.
  const entry: LookedUp<Value> = { value: lookup };
  known.set(key, entry);
  try {
    const value = await lookup;
    if (value) entry.value = value;
    else known.delete(key);
    return value;
  } catch (error) {
    known.delete(key);
    throw error;
  }
}

/**
 * A value by its key: at once when it was looked up a short time ago, as long as `known` keeps it. What does not exist is not
 * kept, so that a flood of wrong keys costs no memory.
 */
export function lookedUp<Value extends object>(
  known: LRUCache<string, LookedUp<Value>>,
  key: string,
  lookUp: () => Promise<Value | undefined>,
): Value | Promise<Value | undefined> {
  return known.get(key)?.value ?? ask(known, key, lookUp);
}
