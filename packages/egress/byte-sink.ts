export type ByteSink = {
  /** Adds a chunk, or answers false and keeps nothing of it when that would exceed the cap. */
  add(chunk: Uint8Array): boolean;
  /** All bytes added so far, in a copy of exactly their size. */
  bytes(): Uint8Array;
};

/**
 * Collects chunks into one growing buffer of at most `cap` bytes. A list of chunks would let a server that sends a byte at a
 * time make us hold a Buffer object (over 100 bytes) for each.
 */
export function createByteSink(cap: number): ByteSink {
  let store = new Uint8Array(Math.min(cap, 16_384));
  let used = 0;
  return {
    add(chunk) {
      const needed = used + chunk.length;
      if (needed > cap) return false;
      if (needed > store.length) {
        const grown = new Uint8Array(Math.min(cap, Math.max(needed, store.length * 2)));
        grown.set(store.subarray(0, used));
        store = grown;
      }
      store.set(chunk, used);
      used = needed;
      return true;
    },
    bytes: () => store.slice(0, used),
  };
}
