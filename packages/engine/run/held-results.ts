import type { Failure } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { NodeError } from '../node-error.ts';
import { roomAfter } from './json-size.ts';

/** An execution, or a graph of it, with the characters of JSON of the results that it holds. */
type Held = { heldChars: number };

const tooMuch: Failure = {
  code: 'execution_too_large',
  message: `The execution holds more than ${limits.heldResults / 1_048_576} MB of results; keep large data elsewhere and pass references.`,
};

/**
 * Counts a result that an execution holds for as long as it runs, or the item that it is of. A thousand nodes may each give as much
 * as one result may have, and a process runs hundreds of executions.
 *
 * @param chars of its JSON. @returns why it cannot be held.
 */
export function holdResult(run: Held, frame: Held, chars: number): Failure | undefined {
  if (run.heldChars + chars > limits.heldResults) return tooMuch;
  run.heldChars += chars;
  frame.heldChars += chars;
  return undefined;
}

/** The same, for what a node gives. @throws NodeError `execution_too_large`. */
export function holdOutput(run: Held, frame: Held, text: string): void {
  const failure = holdResult(run, frame, text.length);
  if (failure) throw new NodeError(failure.code, failure.message);
}

/** Counts what an earlier lease has left; it is there already, so that only what comes after it can be too much. */
export function holdRestored(run: Held, frame: Held, output: Json | undefined): void {
  if (output === undefined) return;
  const chars = limits.heldResults - roomAfter(output, limits.heldResults);
  run.heldChars += chars;
  frame.heldChars += chars;
}

/** A graph is through, and so are the results that were of it only. */
export function letGo(run: Held, frame: Held): void {
  run.heldChars -= frame.heldChars;
  frame.heldChars = 0;
}
