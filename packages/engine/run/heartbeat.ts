import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { withoutSecrets } from '../credentials.ts';
import { type Run, type RunDeps, type Work, writeProgressSoon } from './run.ts';
import { textOf } from './value-text.ts';

/** Keeps what a step says of how far it is, and shows it within a second. @throws NodeError when that is too large, or no JSON. */
export function tellProgress(
  run: Run,
  { frame, step }: Work,
  { progress, deps }: { progress: Json; deps: RunDeps },
): void {
  const text = textOf(withoutSecrets(progress, deps.credentials), 'progress', limits.progressBytes);
  // An attempt that was given up may still be under way.
  if (run.lost || frame.failure || step.status !== 'running') return;
  step.progressText = text;
  run.beating.set(step.path, step);
  writeProgressSoon(run, deps);
}
