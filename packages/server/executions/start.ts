import type { Engine, Started, StartRequest } from '@flowplane/engine/engine';

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const foreignKeyViolation = '23503';

/** Starts an execution; undefined when its workflow was deleted after it was looked up. */
export async function startExecution(engine: Engine, request: StartRequest): Promise<Started | undefined> {
  try {
    return await engine.start(request);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === foreignKeyViolation) return undefined;
    throw error;
  }
}
