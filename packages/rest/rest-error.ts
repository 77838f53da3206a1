/** Why the HTTP layer itself refused a request. */
export type RestErrorCode =
  | 'bad_request'
  | 'invalid_json'
  | 'invalid_body'
  | 'unknown_parameter'
  | 'path_mismatch'
  | 'not_found'
  | 'method_not_allowed'
  | 'precondition_failed'
  | 'payload_too_large'
  | 'unsupported_media_type';

const statuses: Record<RestErrorCode, number> = {
  bad_request: 400,
  invalid_json: 400,
  invalid_body: 400,
  unknown_parameter: 400,
  path_mismatch: 400,
  not_found: 404,
  method_not_allowed: 405,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
};

/** A refusal of the HTTP layer, before any procedure ran. `message` and `detail` are the same sentence. */
export class RestError extends Error {
  readonly code: RestErrorCode;
  readonly status: number;
  readonly detail: string;
  readonly errors: { path: string; message: string }[] | undefined;
  /** Headers that belong to the refusal, e.g. `Allow`. */
  readonly headers: Record<string, string>;

  constructor(
    code: RestErrorCode,
    detail: string,
    more: { errors?: { path: string; message: string }[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.name = 'RestError';
    this.code = code;
    this.status = statuses[code];
    this.detail = detail;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }
}

function fastifyCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Fastify's own refusals of a request as `RestError`; anything else unchanged. */
export function fromFastify(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RestError) return error;
  const code = fastifyCode(error);
  if (!code.startsWith('FST_ERR_')) return error;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new RestError('payload_too_large', 'The body is too large.');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new RestError('unsupported_media_type', mediaTypeAdvice);
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (status === 414) return new RestError('not_found', 'A part of the path is longer than any name here.');
  return status === 400 ? new RestError('bad_request', error.message) : error;
}

export const mediaTypeAdvice = 'Send the body as application/json, encoded in UTF-8.';
