import { inputShape } from './input-shape.ts';
import type { Operation } from './operations.ts';
import { isRecord } from './record.ts';
import { RestError } from './rest-error.ts';

/** A strong validator of RFC 9110, section 8.8.3, of the output's version field; undefined when there is none. */
export function etagOf({ meta }: Operation, output: unknown): string | undefined {
  if (!meta.etag || !isRecord(output)) return undefined;
  const version = output[meta.etag];
  return typeof version === 'number' || typeof version === 'string' ? `"${version}"` : undefined;
}

function listed(header: string): string[] {
  return header.split(',').map((tag) => tag.trim());
}

/** Whether the caller has this version already: `If-None-Match` compares weakly (RFC 9110, section 13.1.2). */
export function isUnchanged(etag: string | undefined, ifNoneMatch: string | undefined): boolean {
  if (etag === undefined || ifNoneMatch === undefined) return false;
  return listed(ifNoneMatch).some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag);
}

/** Whether a mutation can be told which version it is to change: its input has the field that becomes the `ETag`. */
export function takesVersion({ meta, type, inputs }: Operation): boolean {
  return type === 'mutation' && meta.etag !== undefined && inputShape(inputs)?.fields.has(meta.etag) === true;
}

/**
 * Holds `If-Match` against what was read, by strong comparison (RFC 9110, section 13.1.1).
 *
 * @throws RestError `precondition_failed`.
 */
export function requireMatch(etag: string, ifMatch: string | undefined): void {
  if (ifMatch === undefined || listed(ifMatch).some((tag) => tag === '*' || tag === etag)) return;
  throw new RestError('precondition_failed', `It is ${etag} now, which If-Match does not name.`);
}

/**
 * Puts the version that `If-Match` names into the input, where the procedure refuses a change of any other. `*` asks only that
 * the resource exists.
 *
 * @throws RestError `precondition_failed` for a tag that no version can have, and `bad_request` for several.
 */
export function withPrecondition(operation: Operation, input: unknown, ifMatch: string | undefined): unknown {
  const { meta } = operation;
  if (!meta.etag || ifMatch === undefined || ifMatch.trim() === '*' || !isRecord(input)) return input;
  if (!takesVersion(operation)) return input;
  const tags = listed(ifMatch);
  if (tags.length > 1) throw new RestError('bad_request', 'If-Match may name one version here.');
  const version = /^"(\d{1,9})"$/.exec(tags[0] ?? '')?.[1];
  if (version === undefined) {
    throw new RestError('precondition_failed', 'If-Match names no version of this: send the ETag that a GET answered.');
  }
  const given = input[meta.etag];
  if (given !== undefined && given !== Number(version)) {
    throw new RestError('precondition_failed', `If-Match names another ${meta.etag} than the body.`);
  }
  return { ...input, [meta.etag]: Number(version) };
}
