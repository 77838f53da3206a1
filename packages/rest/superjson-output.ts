import superjson from 'superjson';
import type { $ZodType } from 'zod/v4/core';
import { definitionOf } from './schema.ts';
import {
  type Annotations,
  annotateUnknown,
  emptyAnnotations,
  escapeKey,
  isSpeakable,
  noteDate,
  noteUndefined,
} from './superjson-annotations.ts';

type Above = ReadonlySet<$ZodType>;
type Annotate = (value: unknown, path: string, notes: Annotations) => void;

function annotateNumber(value: unknown, path: string, notes: Annotations): void {
  if (value === 0 || typeof value !== 'number' || !Number.isFinite(value)) annotateUnknown(value, path, notes);
}

function annotateDate(value: unknown, path: string, notes: Annotations): void {
  if (value instanceof Date) noteDate(notes, path, value);
  else annotateUnknown(value, path, notes);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function annotateFields(shape: Readonly<Record<string, $ZodType>>, above: Above): Annotate | undefined {
  const fields: { key: string; path: string; annotate: Annotate }[] = [];
  for (const [key, field] of Object.entries(shape)) {
    const annotate = annotator(field, above);
    if (annotate && !isSpeakable(key, true)) return annotateUnknown;
    if (annotate) fields.push({ key, path: escapeKey(key), annotate });
  }
  if (fields.length === 0) return undefined;
  return (value, path, notes) => {
    if (!isPlainObject(value)) {
      annotateUnknown(value, path, notes);
      return;
    }
    const inner = path === '' ? '' : `${path}.`;
    for (const field of fields) {
      const one = value[field.key];
      if (one === null) continue;
      if (one !== undefined) field.annotate(one, inner + field.path, notes);
      else if (Object.hasOwn(value, field.key)) noteUndefined(notes, inner + field.path);
    }
  };
}

function annotateElements(element: $ZodType, above: Above): Annotate | undefined {
  const annotate = annotator(element, above);
  if (!annotate) return undefined;
  return (value, path, notes) => {
    if (!Array.isArray(value)) {
      annotateUnknown(value, path, notes);
      return;
    }
    const inner = path === '' ? '' : `${path}.`;
    for (let i = 0; i < value.length; i++) annotate(value[i], `${inner}${i}`, notes);
  };
}

function annotateOptional(innerType: $ZodType, above: Above): Annotate {
  const annotate = annotator(innerType, above);
  return (value, path, notes) => {
    if (value === undefined) noteUndefined(notes, path);
    else if (value !== null) annotate?.(value, path, notes);
  };
}

/** What has to be looked at in a schema's outputs; undefined: nothing, they are plain JSON. */
function annotator(schema: $ZodType, above: Above): Annotate | undefined {
  // A schema inside itself.
  if (above.has(schema)) return annotateUnknown;
  const within = new Set([...above, schema]);
  const def = definitionOf(schema);
  switch (def.type) {
    case 'string':
    case 'boolean':
    case 'null':
    case 'enum':
    case 'template_literal':
      return undefined;
    case 'literal':
      return def.values.some((one) => typeof one === 'bigint' || one === undefined) ? annotateUnknown : undefined;
    case 'number':
      return annotateNumber;
    case 'date':
      return annotateDate;
    case 'optional':
      return annotateOptional(def.innerType, within);
    case 'nullable': {
      const annotate = annotator(def.innerType, within);
      return annotate && ((value, path, notes) => value !== null && annotate(value, path, notes));
    }
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
      return annotator(def.innerType, within);
    case 'pipe':
      return annotator(def.out, within);
    case 'object':
      return def.catchall && definitionOf(def.catchall).type !== 'never'
        ? annotateUnknown
        : annotateFields(def.shape, within);
    case 'array':
      return annotateElements(def.element, within);
    case 'union':
      return def.options.some((option) => annotator(option, within)) ? annotateUnknown : undefined;
    // Records, tuples, recursive schemas, JSON of any shape, transforms: what they hold is only known from the value.
    default:
      return annotateUnknown;
  }
}

function nullForUndefined(_: string, value: unknown): unknown {
  return value === undefined ? null : value;
}

/**
 * Prepares the serializer of one procedure's outputs: the JSON text of what `superjson.serialize` returns, without its walk
 * over values whose places the schema knows. Two differences: equal objects
 * are not marked as the same one, and a data property called `constructor` is written instead of refused.
 */
export function superjsonSerializer(schema: $ZodType | undefined): (value: unknown) => string {
  const annotate = schema ? annotator(schema, new Set()) : annotateUnknown;
  return (value) => {
    if (typeof value !== 'object' || value === null || value instanceof Date) {
      return JSON.stringify(superjson.serialize(value));
    }
    const notes = emptyAnnotations();
    annotate?.(value, '', notes);
    if (!notes.exact) return JSON.stringify(superjson.serialize(value));
    const json = notes.hasUndefined ? JSON.stringify(value, nullForUndefined) : JSON.stringify(value);
    return notes.text === '' ? `{"json":${json}}` : `{"json":${json},"meta":{"values":{${notes.text}},"v":1}}`;
  };
}
