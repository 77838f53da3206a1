/**
 * What a procedure may say about the HTTP answer, when the context carries `response`. `status` is for REST only and holds
 * for a success; headers and cookies (whole `Set-Cookie` values) leave with every answer, also over tRPC and with errors.
 */
export type ResponseHints = { status?: number; headers: Record<string, string>; cookies?: string[] };

function isHints(value: unknown): value is ResponseHints {
  return typeof value === 'object' && value !== null && 'headers' in value && typeof value.headers === 'object';
}

/** The hints of a context, if it carries any. */
export function hintsOf(context: object | undefined): ResponseHints | undefined {
  const response = context && 'response' in context ? context.response : undefined;
  return isHints(response) ? response : undefined;
}
