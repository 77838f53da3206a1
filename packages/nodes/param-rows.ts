import type { NodeType } from '@flowplane/engine/node-type';
import { z } from 'zod';

/** One param as the docs show it; `name` is its path, with `[]` for the items of a list and `*` for any name. */
export type ParamRow = { name: string; title: string; type: string; default: string; description: string };

type Schema = z.core.JSONSchema.JSONSchema;
type Part = Schema | boolean | undefined;

function asSchema(part: Part): Schema {
  return typeof part === 'object' ? part : {};
}

function bounds({ minimum, maximum }: Schema): string {
  const isBound = (value: number | undefined) => value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  if (isBound(minimum) && isBound(maximum)) return ` ${minimum}–${maximum}`;
  return '';
}

/** What a schema takes, in words: `string`, `integer 0–20`, `` `asc` or `desc` ``, `list of any JSON`. */
function typeText(schema: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return schema.enum.map((one) => `\`${String(one)}\``).join(', ');
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return [...new Set(options.map((one) => typeText(asSchema(one))))].join(' or ');
  if (schema.type === 'array') {
    const items = Array.isArray(schema.items) ? {} : asSchema(schema.items);
    return `list of ${typeText(items)}`;
  }
  if (schema.type === 'object') {
    const values = asSchema(schema.additionalProperties);
    const isRecord = !schema.properties && typeof schema.additionalProperties === 'object';
    return isRecord ? `object of ${typeText(values)}` : 'object';
  }
  if (schema.type === undefined) return 'any JSON';
  return `${schema.type}${bounds(schema)}`;
}

function description(schema: Schema): string {
  const text = schema.description ?? '';
  const examples = (schema.examples ?? []).map((one) => `\`${typeof one === 'string' ? one : JSON.stringify(one)}\``);
  return [text, examples.length > 0 ? `e.g. ${examples.join(', ')}` : ''].filter(Boolean).join('; ');
}

/** The fixed value that tells an alternative from the others. */
function label(alternative: Schema): string | undefined {
  const fixed = Object.values(alternative.properties ?? {}).find((part) => asSchema(part).const !== undefined);
  return fixed === undefined ? undefined : typeText(asSchema(fixed));
}

/** A row that several alternatives share is there once; one that not all have says whose it is. */
function rowsOfAlternatives(alternatives: Schema[], path: string): ParamRow[] {
  const owners = new Map<string, { row: ParamRow; labels: string[] }>();
  for (const one of alternatives) {
    for (const row of rowsWithin(one, path)) {
      const known = owners.get(JSON.stringify(row)) ?? { row, labels: [] };
      owners.set(JSON.stringify(row), known);
      known.labels.push(label(one) ?? '');
    }
  }
  return [...owners.values()].map(({ row, labels }) => {
    const named = labels.filter((text) => text !== '' && text !== row.type);
    if (named.length === 0 || labels.length === alternatives.length) return row;
    return { ...row, description: `${row.description} (${named.join(', ')})` };
  });
}

/** The rows of the fields within a param: of an object, of the items of a list, of the values of a record, of each alternative. */
function rowsWithin(schema: Schema, path: string): ParamRow[] {
  const alternatives = (schema.anyOf ?? schema.oneOf ?? []).map(asSchema);
  const items = Array.isArray(schema.items) ? undefined : schema.items;
  return [
    ...rowsOf(schema, `${path}.`),
    ...(typeof schema.additionalProperties === 'object' ? rowsWithin(schema.additionalProperties, `${path}.*`) : []),
    ...(items === undefined ? [] : rowsWithin(asSchema(items), `${path}[]`)),
    ...rowsOfAlternatives(alternatives, path),
  ];
}

function rowsOf(schema: Schema, prefix: string): ParamRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    const field = asSchema(part);
    const needed = schema.required?.includes(name) ? 'required' : '';
    const row = {
      name: `${prefix}${name}`,
      title: field.title ?? '',
      type: typeText(field),
      default: field.default === undefined ? needed : `\`${JSON.stringify(field.default)}\``,
      description: description(field),
    };
    return [row, ...rowsWithin(field, row.name)];
  });
}

/** Every param of a node type, with the fields within it. */
export function paramRows(type: NodeType): ParamRow[] {
  return rowsOf(z.toJSONSchema(type.params, { io: 'input', unrepresentable: 'any' }), '');
}
