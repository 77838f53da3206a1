import type { AnyTRPCRouter } from '@trpc/server';
import { z } from 'zod';
import type { $ZodType } from 'zod/v4/core';
import {
  type CreateDocumentOptions,
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiSecuritySchemeObject,
} from 'zod-openapi';
import { successStatus } from './answer.ts';
import { takesBody } from './input-decoder.ts';
import { type InputShape, inputShape } from './input-shape.ts';
import { accepts } from './json-decoder.ts';
import { problemResponses, problemSchema, problemsOf } from './openapi-problems.ts';
import { type Operation, operationsOf } from './operations.ts';
import { pathParameters } from './path-template.ts';
import { definitionOf } from './schema.ts';

/** An OpenAPI 3.1 document. @see https://spec.openapis.org/oas/v3.1.1 */
export type OpenApiDocument = ReturnType<typeof createDocument>;

export type OpenApiOptions = {
  title: string;
  version: string;
  description?: string;
  /** E.g. `/api/v1`; part of every path. */
  prefix: string;
  /** Origin of the API; the one that serves the document unless said. */
  serverUrl?: string;
  tags?: { name: string; description: string }[];
  /** By name; any one of them is enough. */
  securitySchemes: Record<string, ZodOpenApiSecuritySchemeObject>;
  /** Every `code` a problem may have. */
  problemCodes?: readonly string[];
};

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
const methods = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const satisfies Record<
  string,
  Method
>;

function fieldSchema(schemas: $ZodType[], isUnion: boolean): $ZodType {
  const [first, ...others] = schemas;
  const one = first && others.length === 0 ? first : z.union(schemas);
  return isUnion ? z.optional(one) : one;
}

function fieldsOf(shape: InputShape, fits: (name: string) => boolean, isUnion: boolean): Record<string, $ZodType> {
  const own = [...shape.fields].filter(([name]) => fits(name));
  return Object.fromEntries(own.map(([name, schemas]) => [name, fieldSchema(schemas, isUnion)]));
}

function bodySchema({ inputs }: Operation, shape: InputShape | undefined, inPath: string[]): $ZodType | undefined {
  const [only, ...others] = inputs;
  // The declared schema keeps its name, its alternatives and its recursion; only fields in the path force a new one.
  if (only && others.length === 0 && (!shape || shape.isUnion || inPath.length === 0)) return only;
  if (!shape) return only;
  const fields = fieldsOf(shape, (name) => !inPath.includes(name), shape.isUnion);
  if (Object.keys(fields).length === 0 && !shape.rest) return undefined;
  return shape.rest ? z.looseObject(fields) : z.object(fields);
}

function requestOf(operation: Operation, method: string, path: string): Partial<ZodOpenApiOperationObject> {
  if (operation.inputs.length === 0) return {};
  const shape = inputShape(operation.inputs);
  const inPath = pathParameters(path);
  const pathFields = shape ? fieldsOf(shape, (name) => inPath.includes(name), false) : {};
  const requestParams = inPath.length > 0 ? { path: z.object(pathFields) } : {};
  if (!takesBody(method)) {
    const query = shape ? fieldsOf(shape, (name) => !inPath.includes(name), shape.isUnion) : {};
    return { requestParams: { ...requestParams, query: z.object(query) } };
  }
  const schema = bodySchema(operation, shape, inPath);
  if (!schema) return { requestParams };
  const required = !accepts(schema, undefined) && !accepts(schema, {});
  return { requestParams, requestBody: { required, content: { 'application/json': { schema } } } };
}

function successOf(operation: Operation): NonNullable<ZodOpenApiOperationObject['responses']> {
  const status = successStatus(operation);
  const { output, meta } = operation;
  const hasLocation = status === 201 || (status === 202 && meta.location);
  const location = {
    Location: { description: 'Where it is.', schema: { type: 'string', format: 'uri-reference' } },
  } as const;
  const content = status !== 204 && output ? { content: { 'application/json': { schema: output } } } : {};
  const description = { 200: 'Done.', 201: 'Made.', 202: 'Accepted; it goes on.', 204: 'Done; no body.' }[status];
  return { [status]: { description, ...(hasLocation ? { headers: location } : {}), ...content } };
}

function describe(operation: Operation): string {
  const { openapi, permission } = operation.meta;
  const who =
    permission === 'public'
      ? 'Needs no sign-in.'
      : permission
        ? `Needs the permission \`${permission}\`.`
        : 'Needs a signed-in caller.';
  return openapi?.description ? `${openapi.description}\n\n${who}` : who;
}

function operationObject(
  operation: Operation,
  at: { method: string; path: string; alias: number },
  security: Record<string, string[]>[],
): ZodOpenApiOperationObject {
  const { meta, procedure } = operation;
  const isAlias = at.alias > 0;
  return {
    operationId: isAlias ? `${procedure}.alias${at.alias}` : procedure,
    tags: meta.openapi?.tags ?? [],
    summary: `${meta.openapi?.summary ?? ''}${isAlias ? ` (the same as ${meta.openapi?.path})` : ''}`,
    description: describe(operation),
    ...(isAlias ? { 'x-alias-of': procedure } : {}),
    ...(meta.permission && meta.permission !== 'public' ? { 'x-permission': meta.permission } : {}),
    security: meta.permission === 'public' ? [] : security,
    ...requestOf(operation, at.method, at.path),
    responses: { ...successOf(operation), ...problemsOf(operation, at) },
  };
}

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

const rendering: CreateDocumentOptions = {
  allowEmptySchema: allowAnything,
  override: ({ zodSchema, jsonSchema, io }) => {
    const { type } = definitionOf(zodSchema);
    if (type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
    if (type === 'bigint') Object.assign(jsonSchema, { type: 'string', pattern: '^-?\\d+$' });
    // Clients have to bear with fields that later versions add.
    if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  },
};

type Schema = { type?: unknown; $ref?: string };

/** Objects in a query string are JSON; without saying so, OpenAPI means one parameter for each of their properties. */
function withStructuredParameters(document: OpenApiDocument): OpenApiDocument {
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
  return document;
}

/**
 * The OpenAPI 3.1 document of every query and mutation whose meta has `openapi`. The schemas are only read.
 *
 * The paths are put together here and rendered by zod-openapi, the generator beneath trpc-to-openapi: trpc-to-openapi itself
 * throws on unions, arrays and objects in an input and on subscriptions, renders dates without their format, knows no status
 * but 200, and describes errors in a form of its own.
 */
export function openApiDocument(router: AnyTRPCRouter, options: OpenApiOptions): OpenApiDocument {
  const { title, version, description, prefix, serverUrl = '/', tags = [], securitySchemes, problemCodes } = options;
  const security = Object.keys(securitySchemes).map((name) => ({ [name]: [] }));
  const paths: Record<string, Partial<Record<Method, ZodOpenApiOperationObject>>> = {};
  for (const operation of operationsOf(router)) {
    const { openapi } = operation.meta;
    if (!openapi || operation.type === 'subscription') continue;
    for (const [alias, path] of [openapi.path, ...(openapi.aliases ?? [])].entries()) {
      const at = { method: openapi.method, path, alias };
      paths[prefix + path] = {
        ...paths[prefix + path],
        [methods[openapi.method]]: operationObject(operation, at, security),
      };
    }
  }
  const document = createDocument(
    {
      openapi: '3.1.1',
      info: { title, version, ...(description ? { description } : {}) },
      servers: [{ url: serverUrl }],
      tags,
      paths,
      components: { securitySchemes, schemas: { Problem: problemSchema(problemCodes) }, responses: problemResponses() },
    },
    rendering,
  );
  return withStructuredParameters(document);
}
