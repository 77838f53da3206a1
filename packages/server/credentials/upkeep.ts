import { removeSecrets } from './removals.ts';
import { rotateKeys } from './rotate.ts';
import type { Vault } from './vault.ts';

const pauseMs = 60_000;

/**
 * Keeps the vault in order, now and once a minute: rows that another key sealed are re-encrypted, secrets that nobody refers
 * to are removed. Rows that no key opens are told of once.
 *
 * @param onRotated told how many rows were re-encrypted, when some were.
 * @returns a function that stops it, and waits for what is under way.
 */
export function startUpkeep(vault: Vault, onRotated: (rows: number) => void): () => Promise<void> {
  const told = new Set<string>();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  function tellOnce(error: unknown, where: string): void {
    const message = error instanceof Error ? error.message : String(error);
    if (told.has(message)) return;
    told.add(message);
    vault.onError(error, where);
  }

  async function once(): Promise<void> {
    const quiet = { ...vault, onError: tellOnce };
    try {
      const { rotated } = await rotateKeys(quiet);
      if (rotated > 0) onRotated(rotated);
      await removeSecrets(quiet);
    } catch (error) {
      vault.onError(error, 'upkeep of credentials');
    }
    if (!stopped) timer = setTimeout(next, pauseMs);
  }

  function next(): void {
    running = once();
  }

  let running = once();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}
