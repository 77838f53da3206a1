import { NodeError } from '../node-error.ts';

/**
 * Does work that may take as long as the shortest of some times; what goes on past it is told by its signal to stop, and its
 * result is of no interest any more.
 *
 * @param limits milliseconds; none: any time.
 * @param signal ends the work too.
 * @throws NodeError `timeout`.
 */
export function within<Result>(
  limits: number[],
  signal: AbortSignal,
  work: (signal: AbortSignal) => Result | Promise<Result>,
): Result | Promise<Result> {
  if (limits.length === 0) return work(signal);
  const ms = Math.min(...limits);
  const late = new AbortController();
  const started = work(AbortSignal.any([signal, late.signal]));
  if (!(started instanceof Promise)) return started;
  return new Promise<Result>((resolve, reject) => {
    const timer = setTimeout(
      () => {
        reject(new NodeError('timeout', `The node took longer than ${ms} ms.`));
        late.abort();
      },
      Math.max(ms, 0),
    );
    started.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
