import type { Failure } from '@flowplane/contract/execution';
import { storable } from '@flowplane/contract/text';
import { ExpressionError, SandboxError } from '@flowplane/expressions/errors';
import { errorWithoutSecrets } from '../credentials.ts';
import { NodeError } from '../node-error.ts';
import type { RunDeps } from './run.ts';

/** What an author is told of a failure; what is not theirs is told to `deps.onError` instead. */
export function failureOf(error: unknown, nodeId: string, deps: RunDeps): Failure {
  if (error instanceof NodeError || error instanceof ExpressionError || error instanceof SandboxError) {
    // Before it is cut: of a secret that the cut goes through, a part would be left.
    const message = deps.credentials ? deps.credentials.text(error.message) : error.message;
    return { code: error.code, message: storable(message.slice(0, 2_000)), nodeId };
  }
  deps.onError(errorWithoutSecrets(error, deps.credentials), `node ${nodeId}`);
  return {
    code: 'internal',
    message: 'The node failed in a way that is not its author’s fault; the server’s log has the cause.',
    nodeId,
  };
}
