import type { workflowLogsInput } from '@flowplane/contract/workflow';
import type { z } from 'zod';
import type { Context, Principal } from '../context.ts';
import { openStream } from '../open-stream.ts';
import { noWorkflow } from './workflows.ts';

/** What a workflow's executions log, until it is deleted. @throws Refusal `not_found`, `unavailable`. */
export function streamLogs(
  ctx: Context & { principal: Principal },
  { id, tail, lastEventId }: z.output<typeof workflowLogsInput>,
  signal: AbortSignal | undefined,
) {
  const { engine, principal } = ctx;
  return openStream(ctx, {
    permission: 'executions:read',
    signal,
    open: (until, reader) => engine.logs(principal.teamId, id, { tail, after: lastEventId, signal: until, reader }),
    missing: () => noWorkflow(id),
  });
}
