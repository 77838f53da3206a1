import type { executionEventsInput } from '@flowplane/contract/execution';
import type { z } from 'zod';
import type { Context, Principal } from '../context.ts';
import { openStream } from '../open-stream.ts';
import { noExecution } from './executions.ts';

/** What happens in an execution, until `done`. @throws Refusal `not_found`, `unavailable`. */
export function streamEvents(
  ctx: Context & { principal: Principal },
  { id, lastEventId }: z.output<typeof executionEventsInput>,
  signal: AbortSignal | undefined,
) {
  const { engine, principal } = ctx;
  return openStream(ctx, {
    permission: 'executions:read',
    signal,
    open: (until, reader) => engine.events(principal.teamId, id, { after: lastEventId, signal: until, reader }),
    missing: () => noExecution(id),
  });
}
