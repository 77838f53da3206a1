import { applyLoad, type Load, medianOf, type Round } from './load.ts';

/** Which figure of a round, and whether more of it is better. */
export type Measure = 'perSecond' | 'medianMs';

export type Comparison = {
  ours: number;
  other: number;
  /** Ours divided by the other's in the same pair of rounds: the median, the lowest and the highest. */
  ratio: { median: number; lowest: number; highest: number };
  wrong: string | undefined;
};

const warmUpSeconds = 3;
const roundSeconds = 5;
const rounds = 5;

/**
 * Loads two servers by turns, because what else the machine does changes from second to second and then touches both alike.
 *
 * @param options.connections at once, to each.
 */
export async function compare(
  ours: Load,
  other: Load,
  options: { measure: Measure; connections: number },
): Promise<Comparison> {
  const { measure, connections } = options;
  for (const load of [ours, other]) await applyLoad(load, { connections, seconds: warmUpSeconds });
  const pairs: [Round, Round][] = [];
  for (let round = 0; round < rounds; round++) {
    const first = await applyLoad(ours, { connections, seconds: roundSeconds });
    pairs.push([first, await applyLoad(other, { connections, seconds: roundSeconds })]);
  }
  const ratios = pairs.map(([one, two]) => one[measure] / two[measure]);
  return {
    ours: medianOf(pairs.map(([one]) => one[measure])),
    other: medianOf(pairs.map(([, two]) => two[measure])),
    ratio: { median: medianOf(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) },
    wrong: pairs.flat().find((round) => round.wrong)?.wrong,
  };
}
