import { EgressError } from './errors.ts';
import { parseGuardedUrl } from './guarded-url.ts';
import { checkHeaders } from './request-headers.ts';
import { MAX_BODY_BYTES } from './request-limits.ts';

/** One request on the way: the first, or one a redirect led to. */
export type Hop = {
  readonly url: URL;
  readonly method: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string | Uint8Array | undefined;
  /** Headers that must not reach another origin, by lower-case name. */
  readonly secrets: readonly string[];
};

const FORBIDDEN_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK']);
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);
const CREDENTIAL_HEADERS = ['authorization', 'cookie', 'proxy-authorization', 'x-api-key'];
const BODY_HEADERS = ['content-encoding', 'content-language', 'content-location', 'content-type'];

/**
 * The first hop, checked.
 *
 * @throws EgressError `egress_invalid_url`, or `egress_invalid_request` on a bad method, header or a body over 100 MiB.
 */
export function firstHop(
  url: string,
  request: {
    method?: string;
    headers?: Record<string, string>;
    secretHeaders?: readonly string[];
    body?: string | Uint8Array;
  },
): Hop {
  const method = (request.method ?? 'GET').toUpperCase();
  if (!/^[A-Z][A-Z0-9-]{0,31}$/.test(method) || FORBIDDEN_METHODS.has(method)) {
    throw new EgressError(
      'egress_invalid_request',
      `The method ${JSON.stringify(method.slice(0, 40))} is not allowed.`,
    );
  }
  if (request.body !== undefined && Buffer.byteLength(request.body) > MAX_BODY_BYTES) {
    throw new EgressError('egress_invalid_request', `The request body is larger than ${MAX_BODY_BYTES} bytes.`);
  }
  const secrets = [...CREDENTIAL_HEADERS, ...(request.secretHeaders ?? []).map((name) => name.toLowerCase())];
  return {
    url: parseGuardedUrl(url),
    method,
    headers: checkHeaders(request.headers ?? {}),
    body: request.body,
    secrets,
  };
}

/** The `Location` a response redirects to, if it does. */
export function redirectLocation(status: number, headers: Readonly<Record<string, string>>): string | undefined {
  return REDIRECT_STATUSES.has(status) ? headers.location : undefined;
}

/**
 * The hop a redirect leads to, by the Fetch standard: 303 turns every method but HEAD into GET, 301 and 302 turn POST into
 * GET, and these lose the body and its headers; 307 and 308 repeat the request. Credentials are dropped as soon as the
 * origin changes and do not come back when a later hop returns to it.
 *
 * @throws EgressError `egress_invalid_url`
 * @see https://fetch.spec.whatwg.org/#http-redirect-fetch
 */
export function nextHop(hop: Hop, status: number, location: string): Hop {
  const url = parseGuardedUrl(location, hop.url);
  const headers = new Map(hop.headers);
  if (url.origin !== hop.url.origin) for (const name of hop.secrets) headers.delete(name);
  const toGet = status === 303 ? hop.method !== 'GET' && hop.method !== 'HEAD' : status <= 302 && hop.method === 'POST';
  if (!toGet) return { ...hop, url, headers };
  for (const name of BODY_HEADERS) headers.delete(name);
  return { ...hop, url, method: 'GET', headers, body: undefined };
}
