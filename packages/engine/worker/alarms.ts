/** Later alarms are not set, and none past so many: the regular sweep finds what they are for. */
const latestMs = 60_000;
const most = 1_000;

/** Timers for waits that end soon. */
export type Alarms = {
  /** Rings once so many milliseconds have passed. */
  set(ms: number): void;
  /** No alarm rings any more. */
  stop(): void;
};

export function createAlarms(ring: () => void): Alarms {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;
  return {
    set(ms) {
      if (stopped || ms > latestMs || timers.size > most) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        ring();
      }, Math.max(ms, 0) + 2);
      timers.add(timer);
    },
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
