import { Refusal } from '@flowplane/contract/errors';

/** Streams that one process has open at most, and for one team, so that no team keeps the others out. */
const bounds = { all: 10_000, team: 1_000 };

/** One of the streams that a process has open; it ends when its signal is aborted. */
export type Place = { signal: AbortSignal; leave(): void };

/** The open streams of a process. */
export type Places = {
  /** Takes a place until it is left or the caller's signal is aborted. @throws Refusal `unavailable`, `rate_limited`. */
  take(teamId: string, signal: AbortSignal | undefined): Place;
  /** Ends every stream, and refuses further ones. */
  close(): void;
};

export function createPlaces(most = bounds): Places {
  const taken = new Set<AbortController>();
  const ofTeams = new Map<string, number>();
  let closed = false;

  function check(ofTeam: number): void {
    if (closed) throw new Refusal('unavailable', 'This server is about to stop: try again in a moment.');
    if (taken.size >= most.all) {
      throw new Refusal('unavailable', `This server has ${most.all} streams open already: try again in a moment.`);
    }
    if (ofTeam >= most.team) {
      throw new Refusal('rate_limited', `Your team has ${most.team} streams open already: close some first.`);
    }
  }

  return {
    take(teamId, signal) {
      const ofTeam = ofTeams.get(teamId) ?? 0;
      check(ofTeam);
      const controller = new AbortController();
      taken.add(controller);
      ofTeams.set(teamId, ofTeam + 1);
      function leave(): void {
        if (taken.delete(controller)) {
          const others = (ofTeams.get(teamId) ?? 1) - 1;
          if (others > 0) ofTeams.set(teamId, others);
          else ofTeams.delete(teamId);
        }
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
