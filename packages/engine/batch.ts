/**
 * Turns calls that arrive while earlier ones are under way into one call: group commit. A call that finds a free lane goes at
 * once, so a quiet system has no added latency, and a busy one pays one commit for many.
 *
 * When a flush of several items fails, each is tried alone, so that one bad item fails only itself; unless the failure is of
 * a kind that has nothing to do with the items, when trying each would only multiply the time that callers wait.
 *
 * @param options.flush takes items, gives their results in the same order.
 * @param options.failsAll whether an error would have met every item, e.g. that the database is away.
 * @param options.lanes flushes under way at once.
 * @param options.max items of one flush.
 * @param options.ownerOf whose an item is: when more wait than go into a flush, owners take turns, so that nobody's one item waits
 *   behind all of somebody else's.
 */
export function createBatcher<Item, Result>(options: {
  flush: (items: Item[]) => Promise<Result[]>;
  failsAll: (error: unknown) => boolean;
  lanes: number;
  max: number;
  ownerOf?: (item: Item) => string;
}): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };
  let queue: Waiting[] = [];
  let busy = 0;

  async function flush(batch: Waiting[]): Promise<void> {
    try {
      const results = await options.flush(batch.map((waiting) => waiting.item));
      for (const [index, result] of results.entries()) batch[index]?.resolve(result);
    } catch (error) {
      if (batch.length === 1 || options.failsAll(error)) for (const waiting of batch) waiting.reject(error);
      else for (const waiting of batch) await flush([waiting]);
    }
  }

  /** What goes next: of each owner its first, then of each its second, and so on. */
  function next(): Waiting[] {
    const { max, ownerOf } = options;
    if (!ownerOf || queue.length <= max) return queue.splice(0, max);
    const ofOwners = [...Map.groupBy(queue, ({ item }) => ownerOf(item)).values()];
    const batch = new Set<Waiting>();
    for (let turn = 0; batch.size < max; turn += 1) {
      for (const { [turn]: waiting } of ofOwners) if (waiting && batch.size < max) batch.add(waiting);
    }
    queue = queue.filter((waiting) => !batch.has(waiting));
    return [...batch];
  }

  async function drain(): Promise<void> {
    busy += 1;
    while (queue.length > 0) await flush(next());
    busy -= 1;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (busy < options.lanes) void drain();
    });
}
