/** Numbers that wait, each under the key of whoever asked. Keys take turns, and what is of one key comes in its order. */
export type FairQueue = {
  add(key: string, id: number): void;
  /** Puts numbers whose turn had come in front again, in their order. */
  putBack(entries: readonly (readonly [key: string, id: number])[]): void;
  /** Whether there is anything of a key that may go. */
  holds(may: (key: string) => boolean): boolean;
  /** The next that is of a key that may go; undefined when there is none. */
  take(may: (key: string) => boolean): number | undefined;
  remove(key: string, id: number): void;
};

export function createFairQueue(): FairQueue {
  /** In the order of their turns; a key is there only while something of it waits. */
  let waiting = new Map<string, number[]>();

  function next(may: (key: string) => boolean): string | undefined {
    for (const key of waiting.keys()) if (may(key)) return key;
    return undefined;
  }

  return {
    add(key, id) {
      const ids = waiting.get(key);
      if (ids) ids.push(id);
      else waiting.set(key, [id]);
    },
    putBack(entries) {
      if (entries.length === 0) return;
      const front = Map.groupBy(entries, ([key]) => key);
      const ordered = new Map<string, number[]>();
      for (const [key, returned] of front) {
        ordered.set(key, [...returned.map(([, id]) => id), ...(waiting.get(key) ?? [])]);
      }
      for (const [key, ids] of waiting) if (!front.has(key)) ordered.set(key, ids);
      waiting = ordered;
    },
    holds: (may) => next(may) !== undefined,
    take(may) {
      const key = next(may);
      const ids = key === undefined ? undefined : waiting.get(key);
      const id = ids?.shift();
      if (key === undefined || !ids) return undefined;
      waiting.delete(key);
      if (ids.length > 0) waiting.set(key, ids);
      return id;
    },
    remove(key, id) {
      const ids = waiting.get(key);
      const place = ids?.indexOf(id) ?? -1;
      if (!ids || place === -1) return;
      ids.splice(place, 1);
      if (ids.length === 0) waiting.delete(key);
    },
  };
}
