import type { Engine, Started, StartRequest } from '@flowplane/engine/engine';

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const foreignKeyViolation = '23503';

/** Whether a row names one that is gone. */
export function isForeignKeyViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === foreignKeyViolation;
}

/** Starts an execution; undefined when its workflow was deleted after it was looked up. */
export async function startExecution(
  engine: Pick<Engine, 'start'>,
  request: StartRequest,
): Promise<Started | undefined> {
  try {
    return await engine.start(request);
  } catch (error) {
    if (isForeignKeyViolation(error)) return undefined;
    throw error;
  }
}
