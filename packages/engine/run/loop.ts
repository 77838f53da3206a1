import type { Failure } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { LoopBody } from '../graph/graph.ts';
import type { LoopSettings } from '../node-type.ts';
import type { Frame } from './frame.ts';
import type { Work } from './run.ts';

/** A loop while it is run. */
export type Loop = Work &
  LoopSettings & {
    body: LoopBody;
    /** Items under way, by their places. */
    live: Map<number, Frame>;
    /** Results by the items' places; holes where an item has not run. */
    results: Json[];
    /** Places of the items that are through, in the journal of an earlier lease. */
    settled: ReadonlySet<number>;
    /** The place of the next item to start. */
    next: number;
    /** Items that are through, and those of them that failed. */
    done: number;
    failures: number;
    /** Set when no further item is to start. */
    stopped: boolean;
    failure: Failure | undefined;
  };

/** Whether an item can start now. */
export function hasRoom({ live, concurrency, next, items, stopped, failure }: Loop): boolean {
  return !stopped && !failure && live.size < concurrency && next < items.length;
}

/** Whether so many items have failed that the loop fails. */
export function isTooMuch({ onItemError, failures, maxFailures }: Loop): boolean {
  return failures > 0 && (onItemError === 'fail' || failures > maxFailures);
}

/** How far a loop is, as JSON. */
export function progressOf({ done, failures, items }: Loop): string {
  return `{"done":${done},"failed":${failures},"items":${items.length}}`;
}

/** What a loop that is through gives: the results of the items that ran, in their order. */
export function outputOf(loop: Loop): Json[] {
  return loop.results.filter(() => true);
}
