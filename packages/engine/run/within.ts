import { NodeError } from '../node-error.ts';

/** How long work may take: the shortest of some times, if any, and the longest time that nothing may be heard of it. */
export type Patience = { limits: number[]; silenceMs: number | undefined };

/** Calls `tooLong` once nothing was heard for `ms`. @returns what ends that. */
function listen(ms: number, heardAt: () => number, tooLong: () => void): () => void {
  let timer: NodeJS.Timeout;
  let ended = false;
  const leftMs = () => heardAt() + ms - performance.now();
  // What came in while the process was busy with something else is heard first.
  const look = () => setImmediate(decide);
  function decide(): void {
    if (ended) return;
    const left = leftMs();
    if (left <= 0) tooLong();
    else timer = setTimeout(look, Math.ceil(left));
  }
  timer = setTimeout(look, ms);
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/**
 * Does work for as long as there is patience with it; what goes on past that is told by its signal to stop, and its result is of no
 * interest any more.
 *
 * @param signal ends the work too.
 * @param work calls `alive` to be heard of.
 * @throws NodeError `timeout`, `heartbeat_timeout`.
 */
export function within<Result>(
  { limits, silenceMs }: Patience,
  signal: AbortSignal,
  work: (signal: AbortSignal, alive: () => void) => Result | Promise<Result>,
): Result | Promise<Result> {
  if (limits.length === 0 && silenceMs === undefined) return work(signal, () => {});
  const late = new AbortController();
  let heardAt = performance.now();
  const started = work(AbortSignal.any([signal, late.signal]), () => {
    heardAt = performance.now();
  });
  if (!(started instanceof Promise)) return started;
  return new Promise<Result>((resolve, reject) => {
    const giveUp = (code: string, message: string) => {
      reject(new NodeError(code, message));
      late.abort();
    };
    const endings: (() => void)[] = [];
    if (limits.length > 0) {
      const ms = Math.min(...limits);
      const timer = setTimeout(() => giveUp('timeout', `The node took longer than ${ms} ms.`), Math.max(ms, 0));
      endings.push(() => clearTimeout(timer));
    }
    if (silenceMs !== undefined) {
      const message = `The node gave no sign of life for ${silenceMs} ms.`;
      endings.push(
        listen(
          silenceMs,
          () => heardAt,
          () => giveUp('heartbeat_timeout', message),
        ),
      );
    }
    started.then(resolve, reject).finally(() => {
      for (const end of endings) end();
    });
  });
}
