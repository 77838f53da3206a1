import type { KnownErrorCode } from './api.ts';

/**
 * What went wrong: a code of the API, `network_error` when no answer came, `bad_response` when the answer was not
 * Flowplane's, or a code that a newer API has added.
 */
export type ErrorCode = KnownErrorCode | 'network_error' | 'bad_response' | (string & Record<never, never>);

/** What a `FlowplaneError` tells: the problem details of RFC 9457 that the API answered with. */
export type ErrorDetails = {
  /** The HTTP status; 0 when no answer came. */
  status: number;
  code: ErrorCode;
  /** What happened and what to do, for people. */
  detail: string;
  /** Names the request in the server's logs. */
  requestId?: string | undefined;
  /** The fields at fault, when the input was not valid. */
  errors?: { path: string; message: string }[] | undefined;
  /** Seconds after which to try again, when the server said. */
  retryAfter?: number | undefined;
};

/** The error of every call that was refused or got no answer. */
export class FlowplaneError extends Error {
  override readonly name = 'FlowplaneError';
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  /** What to branch on. */
  readonly code: ErrorCode;
  /** What happened and what to do, for people; also the `message`. */
  readonly detail: string;
  /** Names the request in the server's logs; undefined when no answer of Flowplane's came. */
  readonly requestId: string | undefined;
  /** The fields at fault, when the input was not valid; otherwise empty. */
  readonly errors: { path: string; message: string }[];
  /** Seconds after which to try again, when the server said. */
  readonly retryAfter: number | undefined;

  constructor(details: ErrorDetails, options?: { cause?: unknown }) {
    super(details.detail, options);
    this.status = details.status;
    this.code = details.code;
    this.detail = details.detail;
    this.requestId = details.requestId;
    this.errors = details.errors ?? [];
    this.retryAfter = details.retryAfter;
  }
}
