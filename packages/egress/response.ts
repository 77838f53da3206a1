import type { Readable } from 'node:stream';
import { canDecode } from './decoder.ts';
import type { Hop } from './hop.ts';
import { readBody, tooLarge } from './read-body.ts';

type Arrived = { hop: Hop; status: number; headers: Record<string, string>; body: Readable };

/**
 * Response headers as one string a name, repeated ones joined by a comma. A header called `__proto__` is left out: copied
 * onto another object it would set that object's prototype.
 */
export function flattenHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name === '__proto__' || value === undefined) continue;
    flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

/**
 * Reads the body and completes the response. `content-encoding` and `content-length` describe the encoded body and are taken
 * out when it was decoded.
 *
 * @throws EgressError `egress_too_large`, at once when the server says so beforehand.
 */
export async function finishResponse(arrived: Arrived, maxBytes: number) {
  const { hop, status, headers, body } = arrived;
  const { 'content-encoding': contentEncoding, 'content-length': contentLength, ...rest } = headers;
  const carriesBody = hop.method !== 'HEAD' && status !== 204 && status !== 304;
  const encoding =
    carriesBody && contentEncoding !== undefined && canDecode(contentEncoding) ? contentEncoding : undefined;
  if (carriesBody && encoding === undefined && Number(contentLength) > maxBytes) {
    body.destroy();
    throw tooLarge(hop.url.host, maxBytes);
  }
  const bytes = await readBody(body, { host: hop.url.host, maxBytes, encoding });
  return { status, url: hop.url.href, headers: encoding === undefined ? headers : rest, body: bytes };
}
