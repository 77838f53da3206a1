import type { NodeError } from '@flowplane/engine/node-error';
import type { NodeContext, Outcome, RunnableNode } from '@flowplane/engine/node-type';

export type Line = { level: string; message: string; data: unknown };

/** The least that a node can be given; `lines` gets what it logs. */
export function context(given: Partial<NodeContext> = {}, lines: Line[] = []): NodeContext {
  return {
    scope: { input: null, nodes: {}, vars: {}, run: {} },
    teamId: 'team',
    idempotencyKey: 'execution:step',
    signal: new AbortController().signal,
    call: async () => {
      throw new Error('This node calls no workflow');
    },
    heartbeat: () => {},
    log: (level, message, data = null) => lines.push({ level, message, data }),
    ...given,
  };
}

/** What a node throws or rejects with, as far as its author sees it. */
export async function failureOf(
  type: RunnableNode,
  params: Parameters<RunnableNode['run']>[0],
  given: NodeContext = context(),
): Promise<Pick<NodeError, 'code' | 'message'>> {
  let outcome: Outcome;
  try {
    outcome = await type.run(params, given);
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
      return { code: error.code, message: error.message };
    }
    throw error;
  }
  throw new Error(`The node did not fail but gave ${JSON.stringify(outcome)}`);
}
