import type { Source } from './watch.ts';

/** How late what the bus did not tell is found. */
const everyMs = 1_000;

/** Finds what the bus did not tell, in one statement for everything that is watched. */
export type Poll = {
  /** A source of news of one id: that its mark has changed, or that it is gone. */
  of(id: string): Source;
  close(): void;
};

/** @param marks what has changed when it is another than before, by id; ids that are gone are absent. */
export function createPoll(
  marks: (ids: string[]) => Promise<Map<string, string | null>>,
  onError: (error: unknown, where: string) => void,
): Poll {
  type Entry = { mark: string | null | undefined; listeners: Set<() => void> };
  const watched = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let failing = false;

  async function look(): Promise<void> {
    try {
      const found = await marks([...watched.keys()]);
      for (const [id, entry] of watched) {
        const mark = found.get(id);
        if (mark === entry.mark && mark !== undefined) continue;
        entry.mark = mark;
        for (const listener of entry.listeners) listener();
      }
      failing = false;
    } catch (error) {
      if (!failing && !closed) onError(error, 'looking for news');
      failing = true;
    }
    timer = undefined;
    plan();
  }

  function plan(): void {
    if (watched.size > 0 && !closed) timer ??= setTimeout(() => void look(), everyMs);
  }

  return {
    of: (id) => (listener) => {
      const entry: Entry = watched.get(id) ?? { mark: undefined, listeners: new Set() };
      const own = () => listener();
      entry.listeners.add(own);
      watched.set(id, entry);
      plan();
      return () => {
        entry.listeners.delete(own);
        if (entry.listeners.size === 0 && watched.get(id) === entry) watched.delete(id);
      };
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
