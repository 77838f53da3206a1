import { EgressError } from './errors.ts';

export type Deadline = {
  /** Aborts with the EgressError to report. */
  readonly signal: AbortSignal;
  /** Settles as `work` does, or rejects when the deadline comes first. */
  race<T>(work: Promise<T>): Promise<T>;
  [Symbol.dispose](): void;
};

/**
 * One deadline for everything a request does, ended early by the caller's signal. Work is raced with it, not only handed
 * its signal, because undici notices an abort only once it has a connection, and resolving a name cannot be aborted at all.
 */
export function startDeadline(host: string, timeoutMs: number, caller: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const expired = Promise.withResolvers<never>();
  expired.promise.catch(() => {});
  const end = (error: EgressError) => {
    controller.abort(error);
    expired.reject(error);
  };
  const onAbort = () =>
    end(new EgressError('egress_aborted', `The request to "${host}" was cancelled.`, { cause: caller?.reason }));
  const timer = setTimeout(
    () => end(new EgressError('egress_timeout', `The request to "${host}" did not finish within ${timeoutMs} ms.`)),
    timeoutMs,
  );
  if (caller?.aborted) onAbort();
  else caller?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    race: (work) => Promise.race([expired.promise, work]),
    [Symbol.dispose]() {
      clearTimeout(timer);
      caller?.removeEventListener('abort', onAbort);
    },
  };
}
