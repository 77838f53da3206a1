import { FlowplaneError } from './error.ts';

/**
 * The tokens of a session could not be exchanged. A kind of its own, so that the calls that needed them are not sent again: each
 * would use the refresh token once more, although it may be used already.
 */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
}

/** What a caller is shown of an error: for an exchange that failed why, as an error of the call's own. */
export function shownOf(error: unknown): unknown {
  if (!(error instanceof ExchangeError)) return error;
  const { cause } = error;
  return cause instanceof FlowplaneError ? new FlowplaneError(cause, { cause }) : cause;
}
