import type { $ZodType } from 'zod/v4/core';
import { definitionOf, innerSchemas } from './schema.ts';

/** The fields an object-like input may have. A field has several schemas when several parts of the input declare it. */
export type InputShape = {
  fields: Map<string, $ZodType[]>;
  /** Of any further field; absent: there are none. */
  rest: $ZodType | undefined;
  /** The input is one of several objects: not every field is in each of them. */
  isUnion: boolean;
};

function merge(shapes: InputShape[], isUnion: boolean): InputShape {
  const fields: InputShape['fields'] = new Map();
  for (const shape of shapes) {
    for (const [key, schemas] of shape.fields) fields.set(key, [...(fields.get(key) ?? []), ...schemas]);
  }
  return {
    fields,
    rest: shapes.find((shape) => shape.rest)?.rest,
    isUnion: isUnion || shapes.some((shape) => shape.isUnion),
  };
}

function shapeWithin(schema: $ZodType, above: ReadonlySet<$ZodType>): InputShape | undefined {
  if (above.has(schema)) return undefined;
  const def = definitionOf(schema);
  if (def.type === 'object') {
    const fields = new Map(Object.entries(def.shape).map(([key, field]) => [key, [field]]));
    const open = def.catchall && definitionOf(def.catchall).type !== 'never' ? def.catchall : undefined;
    return { fields, rest: open, isUnion: false };
  }
  if (def.type === 'record') return { fields: new Map(), rest: def.valueType, isUnion: false };
  if (def.type === 'array' || def.type === 'tuple' || def.type === 'set' || def.type === 'map') return undefined;
  const within = new Set([...above, schema]);
  const shapes = innerSchemas(schema, 'input').map((inner) => shapeWithin(inner, within));
  const known = shapes.filter((shape) => shape !== undefined);
  return known.length > 0 && known.length === shapes.length ? merge(known, def.type === 'union') : undefined;
}

/** The fields of inputs that are all fed the same object; undefined when one of them is not object-like. */
export function inputShape(inputs: readonly $ZodType[]): InputShape | undefined {
  const shapes = inputs.map((schema) => shapeWithin(schema, new Set()));
  const known = shapes.filter((shape) => shape !== undefined);
  return known.length === shapes.length ? merge(known, false) : undefined;
}
