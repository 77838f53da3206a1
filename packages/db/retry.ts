import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Whether an error of pg is of a kind that passes: the connection broke, the server restarts or is full, or the transaction
 * lost against another one. Classes as in https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/^(08...|57P0[123]|53300|40001|40P01|25006)$/.test(code)) return true;
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT'].includes(code)) return true;
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    error.message,
  );
}

/** Repeats `work` while it fails in passing, with growing pauses, for `patienceMs` at most; then throws the last error. */
export async function withRetry<Result>(work: () => Promise<Result>, patienceMs: number): Promise<Result> {
  const until = performance.now() + patienceMs;
  for (let pause = 50; ; pause = Math.min(pause * 2, 2_000)) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || performance.now() + pause > until) throw error;
      await sleep(pause * (0.5 + Math.random() / 2));
    }
  }
}
