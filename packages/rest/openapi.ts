import type { AnyTRPCRouter } from '@trpc/server';
import {
  createDocument,
  type oas31,
  type ZodOpenApiOperationObject,
  type ZodOpenApiSecuritySchemeObject,
} from 'zod-openapi';
import { type Deprecation, deprecationOf } from './deprecation.ts';
import { addExamples } from './openapi-example.ts';
import { type ProblemKind, problemResponses, problemSchema, problemsOf } from './openapi-problems.ts';
import { dropUnused, type OpenApiDocument, rendering, structureParameters } from './openapi-rendering.ts';
import { requestOf, sharedParameters } from './openapi-request.ts';
import { streamNotes, streamSuccessOf } from './openapi-stream.ts';
import { ownHeaders, successOf } from './openapi-success.ts';
import { type Operation, operationsOf } from './operations.ts';
import { basePath } from './versions.ts';

export type OpenApiOptions = {
  title: string;
  version: string;
  description?: string;
  contact?: oas31.ContactObject;
  license?: oas31.LicenseObject;
  /** Shown by Redoc above its menu. @see https://redocly.com/docs-legacy/api-reference-docs/specification-extensions/x-logo */
  logo?: { url: string; altText: string };
  /** E.g. `/api`; every path starts with it and its version. */
  prefix: string;
  /** Origin of the API; the one that serves the document unless said. */
  serverUrl?: string;
  tags?: { name: string; description: string }[];
  /** By name; any one of them is enough. */
  securitySchemes: Record<string, ZodOpenApiSecuritySchemeObject>;
  /** Every kind of problem there is. */
  problems?: readonly ProblemKind[];
  /** Headers of every answer, by name. */
  answerHeaders?: Record<string, oas31.HeaderObject>;
  /**
   * What makes a repeated mutation happen once: the request header, and by name the response header that tells a repeat.
   * Mutations take it that are not public.
   */
  idempotency?: { parameter: oas31.ParameterObject; replayed: { name: string; header: oas31.HeaderObject } };
};

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
const methods = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const satisfies Record<
  string,
  Method
>;

function deprecationNote({ since, sunset, use }: Deprecation): string {
  const day = (date: Date) => date.toISOString().slice(0, 10);
  const goes = sunset ? `, gone from ${day(sunset)} on` : '';
  const [verb, name] = [use?.method ? `${use.method} ` : '', use?.procedure ? ` (${use.procedure})` : ''];
  return `**Deprecated** since ${day(since)}${goes}.${use ? ` Use \`${verb}${use.path}\`${name} instead.` : ''}`;
}

function describe(operation: Operation, deprecation: Deprecation | undefined): string {
  const { openapi, permission } = operation.meta;
  const who =
    permission === 'public'
      ? 'Needs no sign-in.'
      : permission
        ? `Needs the permission \`${permission}\`.`
        : 'Needs a signed-in caller.';
  const before = deprecation ? [deprecationNote(deprecation)] : [];
  const about = openapi?.description ? [openapi.description] : [];
  return [...before, ...about, ...streamNotes(operation), who].join('\n\n');
}

/** Aliases stand apart, at the end: among the operations that they repeat they would hide them. */
const aliasTag = { name: 'aliases', description: 'Further paths that answer the same as others do' };

function operationObject(
  operation: Operation,
  at: { method: string; path: string; alias: number; deprecation: Deprecation | undefined },
  options: OpenApiOptions,
): ZodOpenApiOperationObject {
  const { securitySchemes, idempotency, answerHeaders = {} } = options;
  const { deprecation } = at;
  const { meta, procedure, type } = operation;
  const { openapi, permission } = meta;
  const isAlias = at.alias > 0;
  const isKeyed = idempotency !== undefined && type === 'mutation' && permission !== 'public';
  const headers = [
    ...(deprecation ? ['Deprecation'] : []),
    ...(deprecation?.sunset ? ['Sunset'] : []),
    ...(deprecation?.use ? ['Link'] : []),
    ...(isKeyed ? [idempotency.replayed.name] : []),
    ...Object.keys(answerHeaders),
  ];
  const success = type === 'subscription' ? streamSuccessOf(operation, headers) : successOf(operation, headers);
  return {
    operationId: isAlias ? `${procedure}.alias${at.alias}` : procedure,
    tags: isAlias ? [aliasTag.name] : (openapi?.tags ?? []),
    summary: `${openapi?.summary ?? ''}${isAlias ? ` (the same as ${openapi?.path})` : ''}`,
    description: describe(operation, deprecation),
    ...(deprecation ? { deprecated: true } : {}),
    ...(isAlias ? { 'x-alias-of': procedure } : {}),
    ...(permission && permission !== 'public' ? { 'x-permission': permission } : {}),
    security: permission === 'public' ? [] : Object.keys(securitySchemes).map((name) => ({ [name]: [] })),
    ...requestOf(operation, { ...at, isKeyed }),
    responses: { ...success, ...problemsOf(operation, { ...at, isKeyed }, options) },
  };
}

type Paths = Record<string, Partial<Record<Method, ZodOpenApiOperationObject>>>;

function pathsOf(router: AnyTRPCRouter, options: OpenApiOptions): Paths {
  const paths: Paths = {};
  const operations = operationsOf(router);
  for (const operation of operations) {
    const { openapi } = operation.meta;
    if (!openapi) continue;
    const deprecation = deprecationOf(operation, operations, options.prefix);
    for (const [alias, path] of [openapi.path, ...(openapi.aliases ?? [])].entries()) {
      const object = operationObject(operation, { method: openapi.method, path, alias, deprecation }, options);
      const full = basePath(options.prefix, operation) + path;
      paths[full] = { ...paths[full], [methods[openapi.method]]: object };
    }
  }
  return paths;
}

function infoOf({ title, version, description, contact, license, logo }: OpenApiOptions): oas31.InfoObject {
  return {
    title,
    version,
    ...(description ? { description } : {}),
    ...(contact ? { contact } : {}),
    ...(license ? { license } : {}),
    ...(logo ? { 'x-logo': logo } : {}),
  };
}

/**
 * The OpenAPI 3.1 document of every procedure whose meta has `openapi`. The schemas are only read.
 *
 * The paths are put together here and rendered by zod-openapi, the generator beneath trpc-to-openapi: trpc-to-openapi itself
 * throws on unions, arrays and objects in an input and on subscriptions, renders dates without their format, knows no status
 * but 200, and describes errors in a form of its own.
 */
export function openApiDocument(router: AnyTRPCRouter, options: OpenApiOptions): OpenApiDocument {
  const { serverUrl = '/', tags = [], securitySchemes, problems, answerHeaders = {}, idempotency } = options;
  const aliased = operationsOf(router).some(({ meta }) => meta.openapi?.aliases?.length);
  const document = createDocument(
    {
      openapi: '3.1.1',
      info: infoOf(options),
      servers: [{ url: serverUrl }],
      tags: aliased ? [...tags, aliasTag] : tags,
      paths: pathsOf(router, options),
      components: {
        securitySchemes,
        schemas: { Problem: problemSchema(problems) },
        responses: problemResponses(problems, Object.keys(answerHeaders)),
        parameters: { ...sharedParameters, ...(idempotency ? { IdempotencyKey: idempotency.parameter } : {}) },
        headers: {
          ...ownHeaders,
          ...answerHeaders,
          ...(idempotency ? { [idempotency.replayed.name]: idempotency.replayed.header } : {}),
        },
      },
    },
    rendering,
  );
  structureParameters(document);
  addExamples(document);
  dropUnused(document);
  return document;
}
