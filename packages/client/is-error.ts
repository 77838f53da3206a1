import type { ErrorCodes } from './api.ts';
import type { Procedure } from './calls.ts';
import { FlowplaneError } from './error.ts';
import { procedures, usualErrors } from './procedures.gen.ts';

/** The codes that a call of a procedure may fail with: `ErrorCodeOf<'workflows.execute'>`. */
export type ErrorCodeOf<Path extends keyof ErrorCodes> = ErrorCodes[Path];

/** An error whose code is one of those. Written by `Omit`, as an intersection would keep the codes that are not known yet. */
export type FlowplaneErrorOf<Path extends keyof ErrorCodes> = Omit<FlowplaneError, 'code'> & {
  readonly code: ErrorCodeOf<Path>;
};

const usual: readonly string[] = [...usualErrors, 'network_error', 'bad_response'];

/**
 * Whether an error is one that the procedure is known to fail with. Narrows `code` to exactly these, so that a `switch` over it can
 * be exhaustive. False for what else is thrown, and for codes that a newer API has added.
 *
 * @param procedure its path: `workflows.execute`.
 */
export function isError<Path extends keyof ErrorCodes>(
  error: unknown,
  procedure: Path,
): error is FlowplaneErrorOf<Path> {
  if (!(error instanceof FlowplaneError)) return false;
  const { errors = [] }: Procedure = procedures[procedure];
  return usual.includes(error.code) || errors.includes(error.code);
}
