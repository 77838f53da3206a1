import { Refusal } from '@flowplane/contract/errors';

/** Streams that one process has open at most, and for one team, so that no team keeps the others out. */
const bounds = { all: 10_000, team: 1_000 };

/** Whose streams are counted together within a team, and how many they may have open in one process. */
export type Reader = { id: string; most: number };

/** One of the streams that a process has open; it ends when its signal is aborted. */
export type Place = { signal: AbortSignal; leave(): void };

/** The open streams of a process. */
export type Places = {
  /** Takes a place until it is left or the caller's signal is aborted. @throws Refusal `unavailable`, `rate_limited`. */
  take(whose: { teamId: string; reader?: Reader | undefined }, signal: AbortSignal | undefined): Place;
  /** Ends every stream, and refuses further ones. */
  close(): void;
};

/** Counts by key; what is down to nothing is forgotten. */
function tally() {
  const counts = new Map<string, number>();
  return {
    of: (key: string) => counts.get(key) ?? 0,
    add(key: string, one: 1 | -1) {
      const count = (counts.get(key) ?? 0) + one;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
    },
  };
}

export function createPlaces(most = bounds): Places {
  const taken = new Set<AbortController>();
  const ofTeams = tally();
  const ofReaders = tally();
  let closed = false;

  function check(teamId: string, reader: Reader | undefined): void {
    if (closed) throw new Refusal('unavailable', 'This server is about to stop: try again in a moment.');
    if (taken.size >= most.all) {
      throw new Refusal('unavailable', `This server has ${most.all} streams open already: try again in a moment.`);
    }
    if (ofTeams.of(teamId) >= most.team) {
      throw new Refusal('rate_limited', `Your team has ${most.team} streams open already: close some first.`);
    }
    if (reader && ofReaders.of(reader.id) >= reader.most) {
      throw new Refusal('rate_limited', `There are ${reader.most} streams open already: close some first.`);
    }
  }

  return {
    take({ teamId, reader }, signal) {
      check(teamId, reader);
      const controller = new AbortController();
      function count(one: 1 | -1): void {
        ofTeams.add(teamId, one);
        if (reader) ofReaders.add(reader.id, one);
      }
      taken.add(controller);
      count(1);
      function leave(): void {
        if (taken.delete(controller)) count(-1);
        signal?.removeEventListener('abort', leave);
        controller.abort();
      }
      if (signal?.aborted) leave();
      else signal?.addEventListener('abort', leave);
      return { signal: controller.signal, leave };
    },
    close() {
      closed = true;
      for (const controller of taken) controller.abort();
    },
  };
}
