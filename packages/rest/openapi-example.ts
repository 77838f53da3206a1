import type { OpenApiDocument } from './openapi-rendering.ts';
import { describeStream } from './openapi-stream.ts';
import { isRecord } from './record.ts';

type Schema = Record<string, unknown>;
type Within = { components: Schema; above: readonly string[] };

const formats: Record<string, string> = {
  'date-time': '2026-01-31T12:00:00.000Z',
  uuid: '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f',
  email: 'ada@example.com',
  uri: 'https://example.com/',
};

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberWithin({ minimum, maximum }: Schema): number {
  const least = typeof minimum === 'number' ? minimum : 1;
  return typeof maximum === 'number' ? Math.min(maximum, Math.max(1, least)) : Math.max(1, least);
}

function hasExample(schema: unknown): boolean {
  return isRecord(schema) && listOf(schema.examples).length > 0;
}

function objectOf(schema: Schema, within: Within): Schema {
  const required = listOf(schema.required);
  const properties = isRecord(schema.properties) ? Object.entries(schema.properties) : [];
  const shown = properties.filter(([name, property]) => required.includes(name) || hasExample(property));
  return Object.fromEntries(shown.map(([name, property]) => [name, sample(property, within)]));
}

function ofReference(reference: string, { components, above }: Within): unknown {
  const name = reference.split('/').at(-1) ?? '';
  return sample(components[name], { components, above: [...above, reference] });
}

function itemsOf({ items }: Schema, within: Within): unknown[] {
  const isRecursive = isRecord(items) && typeof items.$ref === 'string' && within.above.includes(items.$ref);
  return isRecursive || items === undefined ? [] : [sample(items, within)];
}

function sample(schema: unknown, within: Within): unknown {
  if (!isRecord(schema)) return {};
  const [given] = [...listOf(schema.examples), ...('const' in schema ? [schema.const] : []), ...listOf(schema.enum)];
  if (given !== undefined) return given;
  if (typeof schema.$ref === 'string') return ofReference(schema.$ref, within);
  const [choice] = [...listOf(schema.oneOf), ...listOf(schema.anyOf)];
  if (choice !== undefined) return sample(choice, within);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return objectOf(schema, within);
    case 'array':
      return itemsOf(schema, within);
    case 'string':
      return formats[String(schema.format)] ?? 'text';
    case 'integer':
    case 'number':
      return numberWithin(schema);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return {};
  }
}

/**
 * Gives every body in the document an example, put together from the `examples` of its schemas and, where they have none, from
 * their types: of objects every required field and those with an example of their own. Fields of an example that is there
 * already win. Streams get their text, and become text.
 */
export function addExamples({ paths = {}, components }: OpenApiDocument): void {
  const schemas: Schema = { ...components?.schemas };
  const fill = (body: unknown) => {
    if (!isRecord(body) || !isRecord(body.content)) return;
    describeStream(body.content, schemas, (schema) => sample(schema, { components: schemas, above: [] }));
    for (const media of Object.values(body.content).filter(isRecord)) {
      if (media.example !== undefined && !isRecord(media.example)) continue;
      const made = sample(media.schema, { components: schemas, above: [] });
      media.example = isRecord(made) && isRecord(media.example) ? { ...made, ...media.example } : made;
    }
  };
  for (const path of Object.values(paths)) {
    for (const operation of [path.get, path.post, path.put, path.patch, path.delete]) {
      fill(operation?.requestBody);
      Object.values(operation?.responses ?? {}).forEach(fill);
    }
  }
}
