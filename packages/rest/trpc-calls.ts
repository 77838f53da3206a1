import { TRPCError, type TRPCProcedureType } from '@trpc/server';
import type { FastifyRequest } from 'fastify';
import type { CallProcedure } from './call-procedure.ts';
import { parseJson } from './json.ts';
import { isJson } from './media-type.ts';
import { isRecord, recordOf } from './record.ts';
import { readSuperjson } from './superjson-input.ts';
import type { Endpoint } from './trpc.ts';

/** One procedure call of a request. `known` is missing when there is no such procedure. */
export type Call = {
  path: string;
  known: { type: TRPCProcedureType; call: CallProcedure; serialize: (output: unknown) => string } | undefined;
  /** Reads the call's input; throws when the request's input is malformed or unsafe. */
  input: () => unknown;
  /** The input if it was read, for error reports. */
  inputSoFar: () => unknown;
};

export type CallPlan = { path: string; isBatch: boolean; type: TRPCProcedureType | 'unknown'; calls: Call[] };

function requireJson(request: FastifyRequest): void {
  const contentType = request.headers['content-type'];
  if (request.method === 'GET' || request.method === 'HEAD') return;
  if (contentType === undefined) {
    throw new TRPCError({ code: 'UNSUPPORTED_MEDIA_TYPE', message: 'Missing content-type header' });
  }
  if (!isJson(contentType)) {
    throw new TRPCError({ code: 'UNSUPPORTED_MEDIA_TYPE', message: `Unsupported content-type "${contentType}"` });
  }
}

function textOf(request: FastifyRequest, query: Record<string, unknown>): string {
  const text = request.method === 'GET' ? query.input : request.body;
  const first: unknown = Array.isArray(text) ? text[0] : text;
  return typeof first === 'string' ? first : '';
}

/** Parses the request's input when the first call asks for it, and only once: a procedure without input never fails on it. */
function inputsOf(text: string): () => unknown {
  let parsed: { value: unknown } | undefined;
  return () => {
    parsed ??= { value: text === '' ? undefined : parseJson(text) };
    return parsed.value;
  };
}

function readOnce(read: () => unknown): Pick<Call, 'input' | 'inputSoFar'> {
  let result: { value: unknown } | undefined;
  return {
    input: () => {
      result ??= { value: read() };
      return result.value;
    },
    inputSoFar: () => result?.value,
  };
}

function batchInput(inputs: unknown, index: number): unknown {
  if (inputs === undefined) return undefined;
  if (!isRecord(inputs)) {
    throw new TRPCError({ code: 'BAD_REQUEST', message: '"input" needs to be an object when doing a batch call' });
  }
  return Object.hasOwn(inputs, index) ? readSuperjson(inputs[index]) : undefined;
}

function singleInput(inputs: unknown): unknown {
  return inputs === undefined ? undefined : readSuperjson(inputs);
}

/**
 * What a request calls.
 *
 * @throws TRPCError for a content type other than JSON, a batch that is too long, and calls of mixed types.
 */
export function planCalls({ procedures, maxBatchSize }: Endpoint, request: FastifyRequest): CallPlan {
  requireJson(request);
  const query = recordOf(request.query);
  const wildcard = recordOf(request.params)['*'];
  const path = typeof wildcard === 'string' ? wildcard : '';
  const isBatch = query.batch === '1';
  const paths = isBatch ? path.split(',') : [path];
  if (isBatch && paths.length > maxBatchSize) {
    throw new TRPCError({ code: 'BAD_REQUEST', message: 'Batch call exceeds maximum size' });
  }
  const inputs = inputsOf(textOf(request, query));
  const calls = paths.map((one, index) => ({
    path: one,
    known: procedures.get(one),
    ...readOnce(() => (isBatch ? batchInput(inputs(), index) : singleInput(inputs()))),
  }));
  const types = new Set(calls.flatMap(({ known }) => known?.type ?? []));
  if (types.size > 1) {
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: `Cannot mix procedure types in call: ${[...types].join(', ')}`,
    });
  }
  return { path, isBatch, type: [...types][0] ?? 'unknown', calls };
}
