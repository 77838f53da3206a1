import type { Engine } from '@flowplane/engine/engine';
import type { Auth } from './auth.ts';
import { cleanUp } from './clean-up.ts';
import { removeExpiredGuests } from './guests/remove-expired.ts';
import { readKeys } from './tokens/key-ring.ts';
import { rotateIfDue } from './tokens/key-rotation.ts';

/**
 * Keeps identity in order while the process runs: removes what is over, rotates the signing key when it is due and notices keys
 * that are gone. Every process may do it; they do not get in each other's way.
 *
 * @param options.rotationDays the age at which the signing key is replaced.
 * @param options.engine ends what expired guests have under way; they stay when absent.
 * @param options.onError told of what failed; the next round tries again.
 */
export function startUpkeep(
  auth: Auth,
  options: {
    rotationDays: number;
    engine?: Pick<Engine, 'cancelAll'>;
    everyMs?: number;
    onError: (error: unknown) => void;
  },
): { stop(): Promise<void> } {
  const { rotationDays, engine, everyMs = 30_000, onError } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  async function work(): Promise<void> {
    try {
      await rotateIfDue(auth.keys, rotationDays);
      await readKeys(auth.keys);
      await cleanUp(auth.database.db, () => stopped);
      if (engine) await removeExpiredGuests({ db: auth.database.db, engine }, () => stopped);
    } catch (error) {
      if (!stopped) onError(error);
    }
  }

  function schedule(): void {
    timer = setTimeout(() => {
      round = work().then(() => {
        if (!stopped) schedule();
      });
    }, everyMs);
    timer.unref();
  }

  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
