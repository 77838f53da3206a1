import { EgressError } from './errors.ts';

const MAX_HEADERS = 100;
const MAX_HEADER_BYTES = 32_768;

/** Headers that frame the message or steer the connection; a caller who sets them could smuggle a request or pick a host. */
const RESERVED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const DEFAULTS: readonly [string, string][] = [
  ['accept', '*/*'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['user-agent', 'Flowplane'],
];

/**
 * The headers to send, by lower-case name, with `Accept`, `Accept-Encoding` and `User-Agent` filled in.
 *
 * @throws EgressError `egress_invalid_request` on a reserved, repeated or malformed name, a value with control or non-Latin-1
 * characters, more than 100 headers or more than 32 KiB.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5
 */
export function checkHeaders(headers: Readonly<Record<string, string>>): Map<string, string> {
  const checked = new Map<string, string>();
  let bytes = 0;
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name))
      throw invalid(`The header name ${JSON.stringify(given)} is not valid.`);
    if (RESERVED.has(name))
      throw invalid(`The header "${given}" is set by Flowplane itself; remove it from the request.`);
    if (checked.has(name)) throw invalid(`The header "${given}" is given twice.`);
    if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)) {
      throw invalid(
        `The value of header "${given}" contains a line break, control character or non-Latin-1 character.`,
      );
    }
    bytes += name.length + value.length + 4;
    checked.set(name, value);
  }
  if (checked.size > MAX_HEADERS || bytes > MAX_HEADER_BYTES) {
    throw invalid(`The request has more than ${MAX_HEADERS} headers or ${MAX_HEADER_BYTES} bytes of them.`);
  }
  for (const [name, value] of DEFAULTS) if (!checked.has(name)) checked.set(name, value);
  return checked;
}

function invalid(message: string): EgressError {
  return new EgressError('egress_invalid_request', message);
}
