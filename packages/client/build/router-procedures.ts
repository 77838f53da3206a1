import type { Procedure } from '../calls.ts';

/** A procedure as the SDK needs to know it. */
export type RouterProcedure = Procedure & { summary: string | undefined };

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}

function acceptsNothing(schema: unknown): boolean {
  const standard = isObject(schema) ? schema['~standard'] : undefined;
  if (!isObject(standard) || typeof standard.validate !== 'function') return false;
  return !('issues' in standard.validate(undefined));
}

function summaryOf(meta: unknown): string | undefined {
  const openapi = isObject(meta) ? meta.openapi : undefined;
  return isObject(openapi) && typeof openapi.summary === 'string' ? openapi.summary : undefined;
}

function isPublic(meta: unknown): boolean {
  return isObject(meta) && meta.permission === 'public';
}

function isPage(schema: unknown): boolean {
  const shape = isObject(schema) && isObject(schema.shape) ? schema.shape : {};
  return 'items' in shape && 'nextCursor' in shape;
}

/** The queries and mutations of a router's record by their paths, in the order of the record. */
export function routerProcedures(record: Record<string, unknown>, prefix = ''): Map<string, RouterProcedure> {
  const found = new Map<string, RouterProcedure>();
  for (const [name, entry] of Object.entries(record)) {
    if (!isObject(entry)) continue;
    const path = `${prefix}${name}`;
    const definition = entry._def;
    if (!isObject(definition) || definition.procedure !== true) {
      for (const [inner, procedure] of routerProcedures(entry, `${path}.`)) found.set(inner, procedure);
    } else if (definition.type === 'query' || definition.type === 'mutation') {
      const inputs = Array.isArray(definition.inputs) ? definition.inputs : [];
      found.set(path, {
        kind: definition.type,
        input: !inputs.every(acceptsNothing),
        ...(definition.type === 'mutation' && !isPublic(definition.meta) && { keyed: true }),
        ...(isPage(definition.output) && { pages: true }),
        summary: summaryOf(definition.meta),
      });
    }
  }
  return found;
}
