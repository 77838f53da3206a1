import type { Execution } from '@flowplane/contract/execution';
import type { Lease } from '../queue/lease.ts';
import type { Driven } from '../run/drive.ts';

/** An execution as a lease of it left it. */
export function stateOf(lease: Lease, driven: Driven): Execution {
  const { id, workflowId, version, trigger, input, createdAt, startedAt } = lease;
  const base = {
    id,
    workflowId,
    version,
    trigger,
    // What is restarted is stored otherwise, and claimed.
    restartedFrom: null,
    input,
    createdAt,
    startedAt,
    output: null,
    error: null,
    finishedAt: null,
  };
  switch (driven.end) {
    case 'completed':
      return { ...base, status: 'completed', output: driven.output, finishedAt: driven.finishedAt };
    case 'failed':
      return { ...base, status: 'failed', error: driven.error, finishedAt: driven.finishedAt };
    case 'waiting':
      return { ...base, status: 'waiting' };
    default:
      return { ...base, status: 'running' };
  }
}
