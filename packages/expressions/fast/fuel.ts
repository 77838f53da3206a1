import { MAX_RESULT_CHARS } from '../limits.ts';
import { bail } from './signals.ts';

/** About 2 ms of the event loop: a unit is one call of a callback, one array element or 64 characters (measured 20-50 ns). */
const FUEL = 50_000;

// Module state is safe: an evaluation in the fast lane is synchronous from its first step to its last.
let left = 0;

/** Fills the allowance of one `evaluate` call. */
export function startFuel(): void {
  left = FUEL;
}

/** Pays for work; what would hold the event loop for too long goes to the sandbox, which can be killed. */
export function spend(units: number): void {
  left -= units;
  if (left < 0) bail();
}

/** Pays for a string of this many characters. */
export function spendChars(chars: number): void {
  if (chars > MAX_RESULT_CHARS) bail();
  spend(chars >>> 6);
}
