import type { Bus } from './bus.ts';

/** A bus within this process; `publishAll` tells every listener. */
export function createMemoryBus(): Bus & { publishAll(): void } {
  const topics = new Map<string, Set<() => void>>();
  return {
    publish(topic) {
      const listeners = topics.get(topic);
      if (listeners) for (const listener of listeners) listener();
    },
    publishAll() {
      for (const listeners of topics.values()) for (const listener of listeners) listener();
    },
    subscribe(topic, listener) {
      // One listener may be there twice.
      const own = () => listener();
      const listeners = topics.get(topic) ?? new Set();
      topics.set(topic, listeners.add(own));
      return () => {
        listeners.delete(own);
        if (listeners.size === 0 && topics.get(topic) === listeners) topics.delete(topic);
      };
    },
    async close() {},
  };
}
