import { EgressError } from './errors.ts';

export type RequestLimits = { timeoutMs: number; maxBytes: number; maxRedirects: number };

const MEBIBYTE = 1_048_576;

/** The largest request body, and the most a caller may ask for as `maxBytes`. */
export const MAX_BODY_BYTES = 100 * MEBIBYTE;

const DEFAULT: RequestLimits = { timeoutMs: 30_000, maxBytes: MEBIBYTE, maxRedirects: 5 };
const SMALLEST: RequestLimits = { timeoutMs: 1, maxBytes: 0, maxRedirects: 0 };
const LARGEST: RequestLimits = { timeoutMs: 900_000, maxBytes: MAX_BODY_BYTES, maxRedirects: 20 };

/**
 * The limits of a request, defaults filled in.
 *
 * @throws EgressError `egress_invalid_request` when one is not a whole number within its bounds.
 */
export function checkLimits(given: Partial<RequestLimits>): RequestLimits {
  return {
    timeoutMs: checkLimit(given, 'timeoutMs'),
    maxBytes: checkLimit(given, 'maxBytes'),
    maxRedirects: checkLimit(given, 'maxRedirects'),
  };
}

function checkLimit(given: Partial<RequestLimits>, name: keyof RequestLimits): number {
  const value = given[name] ?? DEFAULT[name];
  if (Number.isInteger(value) && value >= SMALLEST[name] && value <= LARGEST[name]) return value;
  const bounds = `between ${SMALLEST[name]} and ${LARGEST[name]}`;
  throw new EgressError('egress_invalid_request', `${name} must be a whole number ${bounds}.`);
}
