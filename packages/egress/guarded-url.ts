import { EgressError } from './errors.ts';

const MAX_URL_LENGTH = 16_384;

/**
 * Parses a URL once, by the WHATWG rules, so that what is judged is what is requested.
 *
 * Control characters are refused although the standard strips tabs and newlines: they come from injection or from a broken
 * template, not from an intended address. User information is refused because `http://good@evil` misleads readers and
 * because credentials belong in headers, where they are dropped on a redirect.
 *
 * @param base the URL a redirect's `Location` is relative to.
 * @throws EgressError `egress_invalid_url`
 * @see https://url.spec.whatwg.org/#concept-url-parser
 */
export function parseGuardedUrl(text: string, base?: URL): URL {
  const from = base === undefined ? 'The URL' : `The redirect from "${base.host}"`;
  if (text.length > MAX_URL_LENGTH) throw invalid(`${from} is longer than ${MAX_URL_LENGTH} characters.`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) throw invalid(`${from} contains a control character such as a line break.`);
  const url = URL.parse(text, base?.href);
  if (url === null) throw invalid(`${from} is not a valid absolute URL such as https://api.example.com/path.`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalid(`${from} uses the scheme "${url.protocol}"; only http: and https: are allowed.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(`${from} to "${url.host}" contains a user name or password; send an Authorization header instead.`);
  }
  url.hash = '';
  return url;
}

function invalid(message: string): EgressError {
  return new EgressError('egress_invalid_url', message);
}
