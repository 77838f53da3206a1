import type { Execution } from '@flowplane/contract/execution';
import type { Engine, Started } from '@flowplane/engine/engine';
import { isFinal } from '@flowplane/engine/execution';

/** A started execution as it is at its end, or after `ms`. */
export async function finished(
  engine: Engine,
  { execution, held }: Started,
  { teamId, ms }: { teamId: string; ms: number },
): Promise<Execution> {
  if (ms === 0) return execution;
  const until = performance.now() + ms;
  let now = execution;
  if (held) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    now = (await Promise.race([held, late])) ?? now;
    clearTimeout(timer);
  }
  const left = until - performance.now();
  if (isFinal(now.status) || left <= 0) return now;
  return (await engine.wait(teamId, execution.id, left)) ?? now;
}
