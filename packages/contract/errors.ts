import { z } from 'zod';

/**
 * The one table of error codes. `status` is the HTTP status of every face, `trpc` the code tRPC clients see, `title` the
 * short text of RFC 9457.
 */
export const errorCodes = {
  invalid_input: { status: 400, trpc: 'BAD_REQUEST', title: 'The request is not valid' },
  invalid_workflow: { status: 400, trpc: 'BAD_REQUEST', title: 'The workflow is not valid' },
  unmapped_credentials: { status: 400, trpc: 'BAD_REQUEST', title: 'Credentials are missing' },
  bad_request: { status: 400, trpc: 'BAD_REQUEST', title: 'The request is not valid' },
  invalid_body: { status: 400, trpc: 'BAD_REQUEST', title: 'The body is not valid' },
  path_mismatch: { status: 400, trpc: 'BAD_REQUEST', title: 'The body names another resource than the path' },
  invalid_json: { status: 400, trpc: 'PARSE_ERROR', title: 'The body is not valid JSON' },
  unknown_parameter: { status: 400, trpc: 'BAD_REQUEST', title: 'Unknown query parameter' },
  unauthenticated: { status: 401, trpc: 'UNAUTHORIZED', title: 'Sign in first' },
  invalid_credentials: { status: 401, trpc: 'UNAUTHORIZED', title: 'Wrong email or password' },
  invalid_signature: { status: 401, trpc: 'UNAUTHORIZED', title: 'The signature is not valid' },
  forbidden: { status: 403, trpc: 'FORBIDDEN', title: 'Not allowed' },
  cross_site_request: { status: 403, trpc: 'FORBIDDEN', title: 'Cross-site request refused' },
  credential_host_not_allowed: {
    status: 403,
    trpc: 'FORBIDDEN',
    title: 'The credential may not be sent to this host',
  },
  not_found: { status: 404, trpc: 'NOT_FOUND', title: 'Not found' },
  not_configured: { status: 404, trpc: 'NOT_FOUND', title: 'Not set up on this instance' },
  method_not_allowed: { status: 405, trpc: 'METHOD_NOT_SUPPORTED', title: 'Method not allowed' },
  conflict: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  email_taken: { status: 409, trpc: 'CONFLICT', title: 'The email address is taken' },
  slug_taken: { status: 409, trpc: 'CONFLICT', title: 'The slug is taken' },
  webhooks_would_move: { status: 409, trpc: 'CONFLICT', title: 'The addresses of webhooks would change' },
  last_admin: { status: 409, trpc: 'CONFLICT', title: 'The team would have no admin' },
  last_team: { status: 409, trpc: 'CONFLICT', title: 'It is your only team' },
  team_in_use: { status: 409, trpc: 'CONFLICT', title: 'The team has executions under way' },
  role_in_use: { status: 409, trpc: 'CONFLICT', title: 'Somebody has this role' },
  not_published: { status: 409, trpc: 'CONFLICT', title: 'The workflow is not published' },
  already_finished: { status: 409, trpc: 'CONFLICT', title: 'The execution has already finished' },
  not_finished: { status: 409, trpc: 'CONFLICT', title: 'The execution has not finished yet' },
  already_decided: { status: 409, trpc: 'CONFLICT', title: 'The approval was decided already' },
  approval_closed: { status: 409, trpc: 'CONFLICT', title: 'The approval cannot be decided any more' },
  workflow_in_use: { status: 409, trpc: 'CONFLICT', title: 'The workflow has executions under way' },
  credential_unreadable: { status: 409, trpc: 'CONFLICT', title: 'The credential’s values cannot be read' },
  quota_reached: { status: 409, trpc: 'CONFLICT', title: 'There are as many as there may be' },
  idempotency_in_flight: { status: 409, trpc: 'CONFLICT', title: 'The first request with this key is still under way' },
  precondition_failed: { status: 412, trpc: 'PRECONDITION_FAILED', title: 'It was changed meanwhile' },
  idempotency_mismatch: {
    status: 422,
    trpc: 'UNPROCESSABLE_CONTENT',
    title: 'The key was used for another request',
  },
  payload_too_large: { status: 413, trpc: 'PAYLOAD_TOO_LARGE', title: 'Too large' },
  unsupported_media_type: { status: 415, trpc: 'UNSUPPORTED_MEDIA_TYPE', title: 'Unsupported media type' },
  rate_limited: { status: 429, trpc: 'TOO_MANY_REQUESTS', title: 'Too many requests' },
  queue_full: { status: 429, trpc: 'TOO_MANY_REQUESTS', title: 'Too many executions wait already' },
  execution_failed: { status: 500, trpc: 'INTERNAL_SERVER_ERROR', title: 'The execution failed' },
  internal: { status: 500, trpc: 'INTERNAL_SERVER_ERROR', title: 'Something went wrong' },
  unavailable: { status: 503, trpc: 'SERVICE_UNAVAILABLE', title: 'Not available right now' },
} as const;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

export type FieldError = { path: string; message: string };

/** RFC 9457 problem details: the body of every error, the same on every face. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problem>;

/** What plain functions throw to refuse: a code of the table, a detail that says what to do, and the fields at fault. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;

  constructor(code: ErrorCode, detail: string, errors?: FieldError[]) {
    super(detail);
    this.code = code;
    this.errors = errors;
  }
}

/** The `type` of problem details: a URI that stands for the code. */
export function errorType(code: ErrorCode): string {
  return `urn:flowplane:error:${code}`;
}

/** The problem details of a code. */
export function problemOf(
  code: ErrorCode,
  detail: string,
  more: { requestId: string; errors?: FieldError[] | undefined },
) {
  const { status, title } = errorCodes[code];
  const { requestId, errors } = more;
  const body: Problem = { type: errorType(code), title, status, detail, code, requestId };
  return errors ? { ...body, errors } : body;
}

/** How a path into a value is written in `errors[].path`: `definition.nodes[0].params.value`. */
export function writePath(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}
