import { z } from 'zod';
import type { $ZodType } from 'zod/v4/core';
import type { oas31, ZodOpenApiOperationObject } from 'zod-openapi';
import { takesVersion } from './conditional.ts';
import { takesBody } from './input-decoder.ts';
import { type InputShape, inputShape } from './input-shape.ts';
import { accepts } from './json-decoder.ts';
import type { Operation } from './operations.ts';
import { pathParameters } from './path-template.ts';
import { isResumable } from './stream-input.ts';

/** The name of a request header among the document's parameters. */
type HeaderName = 'IfNoneMatch' | 'IfMatch' | 'IdempotencyKey' | 'LastEventId';

/** The parameters that several operations share. @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1 */
export const sharedParameters = {
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'The `ETag` that the caller has: 304 without a body when it is still the same.',
    schema: { type: 'string', maxLength: 1_000, examples: ['"3"'] },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'The `ETag` that the request is based on: 412, and no change, when it was changed meanwhile.',
    schema: { type: 'string', maxLength: 1_000, examples: ['*'] },
  },
  LastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'The id of the last event that the caller has: the stream goes on after it. Wins over `lastEventId`.',
    schema: { type: 'string', maxLength: 200, pattern: '^[\\x20-\\x7e]+$' },
  },
} as const satisfies Partial<Record<HeaderName, oas31.ParameterObject>>;

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

/** Whether `If-Match` means something: what is read or changed has versions. */
export function hasPrecondition(operation: Operation): boolean {
  return takesVersion(operation) || (operation.type === 'query' && operation.meta.etag !== undefined);
}

function headersOf(operation: Operation, isKeyed: boolean): oas31.ReferenceObject[] {
  const fits: Record<HeaderName, boolean> = {
    IfNoneMatch: operation.type === 'query' && operation.meta.etag !== undefined,
    IfMatch: hasPrecondition(operation),
    IdempotencyKey: isKeyed,
    LastEventId: operation.type === 'subscription' && isResumable(operation),
  };
  return Object.entries(fits).flatMap(([name, own]) => (own ? { $ref: `#/components/parameters/${name}` } : []));
}

type Request = Pick<ZodOpenApiOperationObject, 'parameters' | 'requestParams' | 'requestBody'>;

/**
 * What an operation takes, by path, query, header and body.
 *
 * @param at the method and template of the route, and whether it takes an idempotency key.
 */
export function requestOf(operation: Operation, at: { method: string; path: string; isKeyed: boolean }): Request {
  const { method, path, isKeyed } = at;
  const headers = headersOf(operation, isKeyed);
  const parameters = headers.length > 0 ? { parameters: headers } : {};
  if (operation.inputs.length === 0) return parameters;
  const shape = inputShape(operation.inputs);
  const inPath = pathParameters(path);
  const pathFields = shape ? fieldsOf(shape, (name) => inPath.includes(name), false) : {};
  const requestParams = inPath.length > 0 ? { path: z.object(pathFields) } : {};
  if (!takesBody(method)) {
    const query = shape ? fieldsOf(shape, (name) => !inPath.includes(name), shape.isUnion) : {};
    return { ...parameters, requestParams: { ...requestParams, query: z.object(query) } };
  }
  const schema = bodySchema(operation, shape, inPath);
  if (!schema) return { ...parameters, requestParams };
  const required = !accepts(schema, undefined) && !accepts(schema, {});
  return { ...parameters, requestParams, requestBody: { required, content: { 'application/json': { schema } } } };
}
