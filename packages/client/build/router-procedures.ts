import { idempotencyErrors, revisionErrors } from '@flowplane/server/usual-errors';
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

/** Whether a stream has an event of that name. */
function hasEvent(output: unknown, event: string): boolean {
  const meta = isObject(output) && typeof output.meta === 'function' ? output.meta() : undefined;
  const schema = isObject(meta) ? meta.eventStream : undefined;
  const kinds = isObject(schema) && Array.isArray(schema.options) ? schema.options : [schema];
  return kinds.some((kind) => {
    const name = isObject(kind) && isObject(kind.shape) && isObject(kind.shape.event) ? kind.shape.event : {};
    return name.value === event;
  });
}

function takes(inputs: unknown[], field: unknown): boolean {
  return inputs.some((input) => isObject(input) && isObject(input.shape) && Object.hasOwn(input.shape, String(field)));
}

function errorsOf(meta: unknown, inputs: unknown[], keyed: boolean): { errors?: string[] } {
  const { errors: own, etag }: Record<string, unknown> = isObject(meta) ? meta : {};
  const declared = Array.isArray(own) ? own.map(String) : [];
  const revision = etag !== undefined && takes(inputs, etag) ? revisionErrors : [];
  const errors = [...declared, ...revision, ...(keyed ? idempotencyErrors : [])];
  return errors.length > 0 ? { errors } : {};
}

function procedureOf({ type, inputs: schemas, output, meta }: Record<string, unknown>): Procedure | undefined {
  const inputs: unknown[] = Array.isArray(schemas) ? schemas : [];
  const input = !inputs.every(acceptsNothing);
  if (type === 'subscription') {
    const last = hasEvent(output, 'done') ? { last: 'done' } : {};
    return { kind: type, input, ...last, ...errorsOf(meta, inputs, false) };
  }
  if (type !== 'query' && type !== 'mutation') return undefined;
  const keyed = type === 'mutation' && !isPublic(meta);
  return {
    kind: type,
    input,
    ...(keyed && { keyed }),
    ...(isPage(output) && { pages: true }),
    ...errorsOf(meta, inputs, keyed),
  };
}

/** The procedures of a router's record by their paths, in the order of the record. */
export function routerProcedures(record: Record<string, unknown>, prefix = ''): Map<string, RouterProcedure> {
  const found = new Map<string, RouterProcedure>();
  for (const [name, entry] of Object.entries(record)) {
    if (!isObject(entry)) continue;
    const path = `${prefix}${name}`;
    const definition = entry._def;
    if (!isObject(definition) || definition.procedure !== true) {
      for (const [inner, procedure] of routerProcedures(entry, `${path}.`)) found.set(inner, procedure);
      continue;
    }
    const procedure = procedureOf(definition);
    if (procedure) found.set(path, { ...procedure, summary: summaryOf(definition.meta) });
  }
  return found;
}
