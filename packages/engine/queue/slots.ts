/** How much more a team may have than there is left for all others: a team alone has nine tenths, two have nearly half each. */
const share = 9;

/** Whose slots those are of which it is not known yet. */
const nobody = '';

/**
 * The slots of a process, and which teams have them. What a team may have depends on what is free (a dynamic threshold, as switches
 * share buffers: https://doi.org/10.1109/90.664262), so that however much one has to do, there are slots for others at once.
 */
export type Slots = {
  free(): number;
  /** How many may be taken for whoever is next in turn, without those that are kept for teams with none. */
  common(): number;
  /** Takes a slot, if the team may have another. */
  take(teamId: string): boolean;
  /** Takes a slot for an execution that is about to be known; {@link Slots.assign} says whose it is. */
  takeUnknown(): boolean;
  /** Takes slots for a claim that knows who may have how many. */
  keep(count: number): void;
  assign(teamId: string): void;
  /** Gives a slot back: of a team, or one of which it is not known whose it was to be. */
  give(teamId?: string): void;
  /** Teams that have as much as they may have. */
  sated(): string[];
};

/** @param total slots in all. */
export function createSlots(total: number): Slots {
  const ofTeams = new Map<string, number>();
  let used = 0;

  function add(teamId: string, count: number): void {
    const after = (ofTeams.get(teamId) ?? 0) + count;
    used += count;
    if (after > 0) ofTeams.set(teamId, after);
    else ofTeams.delete(teamId);
  }

  const free = () => total - used;
  const mayHave = (has: number) => has < share * free();

  return {
    free,
    common: () => Math.max(free() - Math.floor(total / (share + 1)), 0),
    take(teamId) {
      const allowed = mayHave(ofTeams.get(teamId) ?? 0);
      if (allowed) add(teamId, 1);
      return allowed;
    },
    takeUnknown() {
      const allowed = mayHave(used);
      if (allowed) add(nobody, 1);
      return allowed;
    },
    keep: (count) => add(nobody, count),
    assign(teamId) {
      add(nobody, -1);
      add(teamId, 1);
    },
    give: (teamId = nobody) => add(teamId, -1),
    sated: () => [...ofTeams].flatMap(([teamId, has]) => (teamId !== nobody && !mayHave(has) ? [teamId] : [])),
  };
}
