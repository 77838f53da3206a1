import type { Operation } from './operations.ts';
import { fillPath } from './path-template.ts';
import { basePath } from './versions.ts';

/** What is known of an operation that goes. */
export type Deprecation = {
  since: Date;
  sunset: Date | undefined;
  /** What to use instead: its path under the server's root, and its method where it is a procedure. */
  use: { method: string | undefined; path: string; procedure: string | undefined } | undefined;
};

function dayOf(procedure: string, text: string): Date {
  const date = new Date(`${text}T00:00:00Z`);
  // Some days that do not exist, the 31st of a short month, would become others.
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
  if (!isDay) throw new Error(`${procedure}: "${text}" in its deprecation is not a day, as 2026-12-31.`);
  return date;
}

function replacementOf(use: string, operations: readonly Operation[], prefix: string): Deprecation['use'] {
  if (use.startsWith('/')) return { method: undefined, path: use, procedure: undefined };
  const found = operations.find(({ procedure }) => procedure === use);
  const { openapi } = found?.meta ?? {};
  if (!found || !openapi)
    throw new Error(`A deprecation names ${use}, which is neither a path nor a procedure with one.`);
  return { method: openapi.method, path: `${basePath(prefix, found)}${openapi.path}`, procedure: use };
}

/**
 * What an operation declares about its end.
 *
 * @param operations all there are, among which a named replacement has to be.
 * @throws Error for days that are none, a sunset before the deprecation, or a replacement that does not exist.
 */
export function deprecationOf(
  { procedure, meta }: Operation,
  operations: readonly Operation[],
  prefix: string,
): Deprecation | undefined {
  if (!meta.deprecated) return undefined;
  const { since, sunset, use } = meta.deprecated;
  const begins = dayOf(procedure, since);
  const ends = sunset === undefined ? undefined : dayOf(procedure, sunset);
  if (ends && ends < begins) throw new Error(`${procedure}: its sunset ${sunset} is before its deprecation ${since}.`);
  return { since: begins, sunset: ends, use: use === undefined ? undefined : replacementOf(use, operations, prefix) };
}

/**
 * The headers that say so on every answer: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and a `Link` to the successor where
 * the request's own parameters make its URL.
 */
export function deprecationHeaders(
  { since, sunset, use }: Deprecation,
  params: Record<string, unknown>,
): Record<string, string> {
  const successor = use && fillPath(use.path, (name) => params[name]);
  return {
    deprecation: `@${since.getTime() / 1_000}`,
    ...(sunset ? { sunset: sunset.toUTCString() } : {}),
    ...(successor ? { link: `<${successor}>; rel="successor-version"` } : {}),
  };
}
