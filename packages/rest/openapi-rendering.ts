import type { CreateDocumentOptions, createDocument } from 'zod-openapi';
import { isRecord } from './record.ts';
import { definitionOf } from './schema.ts';

/** An OpenAPI 3.1 document. @see https://spec.openapis.org/oas/v3.1.1 */
export type OpenApiDocument = ReturnType<typeof createDocument>;

const allowAnything = Object.fromEntries(
  [
    'any',
    'bigint',
    'custom',
    'date',
    'file',
    'function',
    'map',
    'nan',
    'never',
    'pipe',
    'promise',
    'set',
    'symbol',
    'transform',
    'undefined',
    'unknown',
    'void',
  ].map((type) => [type, true]),
);

/** A choice between one schema is that schema. */
function unwrapChoice(schema: Record<string, unknown>): void {
  for (const key of ['oneOf', 'anyOf']) {
    const choices = schema[key];
    const [only] = Array.isArray(choices) && choices.length === 1 ? choices : [];
    if (!isRecord(only)) continue;
    delete schema[key];
    delete schema.discriminator;
    Object.assign(schema, only);
  }
}

/** How zod's schemas are rendered. */
export const rendering: CreateDocumentOptions = {
  allowEmptySchema: allowAnything,
  override: ({ zodSchema, jsonSchema, io }) => {
    const { type } = definitionOf(zodSchema);
    if (type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
    if (type === 'bigint') Object.assign(jsonSchema, { type: 'string', pattern: '^-?\\d+$' });
    if (type === 'union') unwrapChoice(jsonSchema);
    // Clients have to bear with fields that later versions add.
    if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  },
};

type Schema = { type?: unknown; $ref?: string };

/** Objects in a query string are JSON; without saying so, OpenAPI means one parameter for each of their properties. */
export function structureParameters(document: OpenApiDocument): void {
  const isObject = (schema: Schema | undefined): boolean => {
    const name = schema?.$ref?.split('/').at(-1);
    return schema?.type === 'object' || (name !== undefined && isObject(document.components?.schemas?.[name]));
  };
  const operations = Object.values(document.paths ?? {}).flatMap((path) => [path.get, path.delete]);
  for (const parameter of operations.flatMap((operation) => operation?.parameters ?? [])) {
    if ('$ref' in parameter || !parameter.schema || !isObject(parameter.schema)) continue;
    parameter.content = { 'application/json': { schema: parameter.schema } };
    delete parameter.schema;
  }
}

function collectReferences(value: unknown, into: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref' && typeof inner === 'string') into.add(inner);
    else collectReferences(inner, into);
  }
}

/** Leaves out the components that no operation leads to. */
export function dropUnused({ paths, components = {} }: OpenApiDocument): void {
  const used = new Set<string>();
  collectReferences(paths, used);
  for (const reference of used) {
    const [, , kind, name] = reference.split('/');
    const group: unknown = Object.entries(components).find(([key]) => key === kind)?.[1];
    // What is added while the set is walked is walked too.
    if (isRecord(group) && name !== undefined) collectReferences(group[name], used);
  }
  for (const [kind, group] of Object.entries(components)) {
    if (kind === 'securitySchemes' || !isRecord(group)) continue;
    for (const name of Object.keys(group)) if (!used.has(`#/components/${kind}/${name}`)) delete group[name];
    if (Object.keys(group).length === 0) Reflect.deleteProperty(components, kind);
  }
}
