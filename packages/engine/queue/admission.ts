import type { Database } from '@flowplane/db/database';
import { isTransient, withRetry } from '@flowplane/db/retry';
import { createBatcher } from '../batch.ts';
import type { EndedExecution } from '../end.ts';
import { type Admitted, admitPlaces, type Place, placesOf, placesWithRoom } from './admit.ts';
import { patienceMs } from './lease.ts';

/** How often a process looks for places that nobody has given on. */
const watchMs = 1_000;

const first: Place = { workflowId: '00000000-0000-0000-0000-000000000000', key: '' };

/** Gives the places of workflows with a `concurrency` to those that wait for them. */
export type Admission = {
  /** Lets in whoever may be let in to a place. */
  admit(place: Place): Promise<void>;
  /** Executions are stored, of which some may wait for their turn. */
  came(ids: string[]): void;
  /** Executions are over: their places are free. */
  left(executions: { workflowId: string; concurrencyKey: string | null }[]): void;
  /** Starts looking for what was left without anybody being let in, because a process died between the two. */
  watch(): void;
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>;
};

/**
 * @param options.onEnded told of those that were cancelled.
 * @param options.nudge told of those that may run.
 */
export function createAdmission(options: {
  database: Database;
  onEnded: (teamId: string, ended: EndedExecution[]) => Promise<void>;
  nudge: (ids: string[]) => void;
  onError: (error: unknown, where: string) => void;
}): Admission {
  const { database, onEnded, nudge, onError } = options;
  let after = first;
  let timer: NodeJS.Timeout | undefined;
  const underWay = new Set<Promise<void>>();

  async function tell({ admitted, ended }: Admitted): Promise<void> {
    nudge(admitted);
    for (const [teamId, ofTeam] of Map.groupBy(ended, (one) => one.teamId)) await onEnded(teamId, ofTeam);
  }

  // One at a time: a place's lock is waited for on one connection of this process at most.
  const admit = createBatcher<Place, void>({
    async flush(places) {
      await tell(await withRetry(() => admitPlaces(database, places), patienceMs));
      return places.map(() => undefined);
    },
    failsAll: isTransient,
    lanes: 1,
    max: 100,
  });

  function admitLater(places: Place[]): void {
    for (const place of places) track(admit(place).catch((error: unknown) => onError(error, 'admission')));
  }

  function track(work: Promise<void>): void {
    underWay.add(work);
    void work.then(() => underWay.delete(work));
  }

  async function look(): Promise<void> {
    try {
      const { places, last } = await placesWithRoom(database, after);
      after = last ?? first;
      admitLater(places);
    } catch (error) {
      onError(error, 'looking for free places');
    }
  }

  return {
    admit,
    came(ids) {
      track(placesOf(database, ids).then(admitLater, (error: unknown) => onError(error, 'admission')));
    },
    left(executions) {
      admitLater(
        executions.flatMap(({ workflowId, concurrencyKey: key }) => (key === null ? [] : [{ workflowId, key }])),
      );
    },
    watch() {
      timer = setInterval(() => track(look()), watchMs);
    },
    async close() {
      clearInterval(timer);
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
