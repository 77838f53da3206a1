import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { WebhookVerification } from '@flowplane/contract/webhook';

/** A request as it was received: its headers by lower-case name, and the bytes of its body, which nobody has parsed. */
export type SignedRequest = { headers: Record<string, string | string[] | undefined>; rawBody: Uint8Array };

/** A message whose signature is valid. */
export type SignedMessage = {
  /** The same for the same message; undefined where nothing tells one message from the next. */
  key: string | undefined;
  /** Seconds for which it has to be remembered. */
  seconds: number;
};

/** How long ids are remembered of messages that have no time. */
const daySeconds = 86_400;

function equals(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function header({ headers }: SignedRequest, name: string): string {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' ? value : '';
}

function isTimely(timestamp: string, toleranceSeconds: number, now: number): boolean {
  return /^[0-9]{1,11}$/.test(timestamp) && Math.abs(now / 1_000 - Number(timestamp)) <= toleranceSeconds;
}

/** A message within its window is remembered until its time is too old from whichever side of ours it came. */
function windowOf(toleranceSeconds: number): number {
  return 2 * toleranceSeconds + 1;
}

function keyOf(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** The bytes of a Standard Webhooks secret; undefined when it is none. */
export function standardKey(secret: string): Uint8Array | undefined {
  const text = secret.replace(/^whsec_/, '');
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

type Of<Scheme> = Extract<WebhookVerification, { scheme: Scheme }>;
type Secrets = { secrets: readonly string[]; now: number };

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function standardMessage(
  { toleranceSeconds }: Of<'standard-webhooks'>,
  request: SignedRequest,
  { secrets, now }: Secrets,
): SignedMessage | undefined {
  const id = header(request, 'webhook-id');
  const timestamp = header(request, 'webhook-timestamp');
  if (id === '' || !isTimely(timestamp, toleranceSeconds, now)) return undefined;
  const expected = secrets.flatMap((secret) => {
    const key = standardKey(secret);
    if (!key) return [];
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(request.rawBody).digest('base64')}`;
  });
  const given = header(request, 'webhook-signature').split(' ');
  const isValid = given.some((one) => expected.some((signature) => equals(signature, one)));
  return isValid ? { key: keyOf(id), seconds: windowOf(toleranceSeconds) } : undefined;
}

function hmacMessage(how: Of<'hmac'>, request: SignedRequest, { secrets, now }: Secrets): SignedMessage | undefined {
  const { algorithm, encoding, prefix, signatureHeader, timestampHeader, idHeader, toleranceSeconds } = how;
  const timestamp = timestampHeader === undefined ? '' : header(request, timestampHeader);
  const id = idHeader === undefined ? '' : header(request, idHeader);
  if (timestampHeader !== undefined && !isTimely(timestamp, toleranceSeconds, now)) return undefined;
  if (idHeader !== undefined && id === '') return undefined;
  const values: Record<string, string | Uint8Array> = {
    '{body}': request.rawBody,
    '{timestamp}': timestamp,
    '{id}': id,
  };
  const signed = how.payload.split(/(\{(?:body|timestamp|id)\})/).map((part) => values[part] ?? part);
  const whole = header(request, signatureHeader);
  if (!whole.startsWith(prefix)) return undefined;
  const given = whole.slice(prefix.length);
  const isValid = secrets.some((secret) => {
    const hmac = createHmac(algorithm, secret);
    for (const part of signed) hmac.update(part);
    return equals(hmac.digest(encoding), encoding === 'hex' ? given.toLowerCase() : given);
  });
  if (!isValid) return undefined;
  const seconds = timestampHeader === undefined ? daySeconds : windowOf(toleranceSeconds);
  if (idHeader !== undefined) return { key: keyOf(id), seconds };
  return { key: timestampHeader === undefined ? undefined : keyOf(...signed), seconds };
}

/**
 * The message in a signed request; undefined when no secret's signature fits, or it is not of this time.
 *
 * @param known.now milliseconds since 1970.
 */
export function signedMessage(
  verification: WebhookVerification,
  request: SignedRequest,
  known: Secrets,
): SignedMessage | undefined {
  return verification.scheme === 'hmac'
    ? hmacMessage(verification, request, known)
    : standardMessage(verification, request, known);
}
