import type { Comparison, Measure } from './compare.ts';

/** A line of the report. */
export type Row = { work: string; ours: string; comparedWith: string; ratio: string; target: string; verdict: string };

/** What a row says besides its figures. `target` is a ratio: at least for answers a second, at most for milliseconds. */
export type About = { work: string; comparedWith: string; measure: Measure; target: number };

function perSecond(value: number): string {
  return `${Math.round(value).toLocaleString('en')}/s`;
}

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}

/** @param wrong what makes the figures worthless, besides wrong answers. */
export function rowOf({ work, comparedWith, measure, target }: About, comparison: Comparison, wrong?: string): Row {
  const { ours, other, ratio } = comparison;
  const more = measure === 'perSecond';
  const write = more ? perSecond : milliseconds;
  const invalid = comparison.wrong ?? wrong;
  const met = more ? ratio.median >= target : ratio.median <= target;
  return {
    work,
    ours: write(ours),
    comparedWith: `${comparedWith}: ${write(other)}`,
    ratio: `${ratio.median.toFixed(2)} (${ratio.lowest.toFixed(2)}–${ratio.highest.toFixed(2)})`,
    target: `${more ? '≥' : '≤'} ${target}`,
    verdict: invalid ? `invalid: ${invalid}` : met ? 'met' : 'not met',
  };
}
