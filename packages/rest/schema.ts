import type { $ZodType, $ZodTypes } from 'zod/v4/core';

/** Whether a value is a zod 4 schema. */
export function isSchema(value: unknown): value is $ZodType {
  return typeof value === 'object' && value !== null && '_zod' in value;
}

/** A schema as the union of zod's classes, to be told apart by `_zod.def.type`. @see https://zod.dev/library-authors */
export function definitionOf(schema: $ZodType): $ZodTypes['_zod']['def'] {
  return (schema as $ZodTypes)._zod.def;
}

/** The schemas directly inside a schema, on the side that `io` names. */
export function innerSchemas(schema: $ZodType, io: 'input' | 'output'): $ZodType[] {
  const def = definitionOf(schema);
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
    case 'promise':
    case 'success':
      return [def.innerType];
    case 'pipe':
      return [io === 'input' ? def.in : def.out];
    case 'lazy':
      return [def.getter()];
    case 'object':
      return [...Object.values(def.shape), ...(def.catchall ? [def.catchall] : [])];
    case 'record':
    case 'map':
      return [def.keyType, def.valueType];
    case 'array':
      return [def.element];
    case 'set':
      return [def.valueType];
    case 'tuple':
      return [...def.items, ...(def.rest ? [def.rest] : [])];
    case 'union':
      return [...def.options];
    case 'intersection':
      return [def.left, def.right];
    default:
      return [];
  }
}

/** Whether a schema is, or holds anywhere inside, one of the types. Recursive schemas are fine. */
export function reaches(schema: $ZodType, types: ReadonlySet<string>, io: 'input' | 'output'): boolean {
  const seen = new Set<$ZodType>();
  const waiting = [schema];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (types.has(definitionOf(next).type)) return true;
    waiting.push(...innerSchemas(next, io));
  }
  return false;
}
