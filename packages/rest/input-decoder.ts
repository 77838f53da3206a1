import { inputShape } from './input-shape.ts';
import { accepts, type Decode, jsonDecoder, unchanged } from './json-decoder.ts';
import type { Operation } from './operations.ts';
import { pathParameters } from './path-template.ts';
import { isRecord } from './record.ts';
import { RestError } from './rest-error.ts';
import { firstThatAccepts, textDecoder } from './text-decoder.ts';

/** A request taken apart: everything in `params` and `query` is text, `body` is parsed JSON or undefined. */
export type RequestParts = {
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  body: unknown;
};

/** Whether the fields of a method's input come from its body; otherwise from the query string. */
export function takesBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

function methodOf(operation: Operation): string {
  return operation.meta.openapi?.method ?? 'GET';
}

function refuseUnknown(query: Record<string, unknown>, isKnown: (name: string) => boolean): void {
  const unknown = Object.keys(query).filter((name) => !isKnown(name));
  if (unknown.length === 0) return;
  const named = unknown.slice(0, 20).map((name) => name.slice(0, 100));
  const errors = named.map((name) => ({ path: name, message: 'There is no such query parameter.' }));
  throw new RestError('unknown_parameter', `Unknown query parameter: ${named.join(', ')}`, { errors });
}

function fieldsOfBody(body: unknown): Record<string, unknown> {
  if (body === undefined) return {};
  if (isRecord(body)) return body;
  throw new RestError('invalid_body', 'The body has to be a JSON object.');
}

function isEmpty(body: unknown): boolean {
  return body === undefined || (isRecord(body) && Object.keys(body).length === 0);
}

function none(operation: Operation, path: string): (parts: RequestParts) => unknown {
  if (pathParameters(path).length > 0) {
    throw new Error(`${operation.procedure}: its path has parameters, but it takes no input.`);
  }
  return ({ query }) => {
    refuseUnknown(query, () => false);
    return undefined;
  };
}

function wholeBody(operation: Operation, path: string): (parts: RequestParts) => unknown {
  if (!takesBody(methodOf(operation)) || pathParameters(path).length > 0) {
    throw new Error(
      `${operation.procedure}: an input that is not an object can only be the body of a path without parameters.`,
    );
  }
  const decoders = operation.inputs.map(jsonDecoder);
  return ({ query, body }) => {
    refuseUnknown(query, () => false);
    return decoders.reduce((value, decode) => decode(value), body);
  };
}

function checkBodyAgrees(name: string, inBody: unknown, inPath: { text: unknown; value: unknown }): void {
  if (inBody === undefined || inBody === inPath.value || String(inBody) === inPath.text) return;
  const errors = [{ path: name, message: 'It differs from the one in the path.' }];
  throw new RestError('path_mismatch', `The body's ${name} differs from the one in the path.`, { errors });
}

/**
 * Prepares, once for a route, how its requests become the procedure's input. The schemas are read, never changed.
 *
 * @param path the route's template.
 * @throws Error when the path has a parameter that the input does not have, or a GET an input that is no object.
 */
export function inputDecoder(operation: Operation, path: string): (parts: RequestParts) => unknown {
  const method = methodOf(operation);
  if (operation.inputs.length === 0) return none(operation, path);
  const shape = inputShape(operation.inputs);
  if (!shape) return wholeBody(operation, path);

  const rest = shape.rest && textDecoder(shape.rest);
  const texts = new Map<string, Decode>();
  for (const [name, schemas] of shape.fields) texts.set(name, firstThatAccepts(schemas));
  const inPath = pathParameters(path);
  const missing = inPath.find((name) => !texts.has(name) && !rest);
  if (missing) throw new Error(`${operation.procedure}: its path has {${missing}}, which its input does not have.`);
  const bodies = operation.inputs.map(jsonDecoder).filter((decode) => decode !== unchanged);
  const mayBeAbsent = inPath.length === 0 && operation.inputs.every((schema) => accepts(schema, undefined));
  const textOf = (name: string) => texts.get(name) ?? rest ?? unchanged;
  const isParameter = (name: string) => !inPath.includes(name) && (texts.has(name) || rest !== undefined);

  function fromQuery({ query, body }: RequestParts): Record<string, unknown> {
    refuseUnknown(query, (name) => name !== '__proto__' && isParameter(name));
    if (!isEmpty(body)) throw new RestError('invalid_body', `A ${method} takes no body; send query parameters.`);
    return Object.fromEntries(Object.entries(query).map(([name, text]) => [name, textOf(name)(text)]));
  }

  function fromBody({ query, body }: RequestParts): Record<string, unknown> {
    refuseUnknown(query, () => false);
    return { ...fieldsOfBody(body) };
  }

  return (parts) => {
    const input = takesBody(method) ? fromBody(parts) : fromQuery(parts);
    for (const name of inPath) {
      const text = parts.params[name];
      const value = textOf(name)(text);
      checkBodyAgrees(name, input[name], { text, value });
      input[name] = value;
    }
    if (mayBeAbsent && isEmpty(input) && parts.body === undefined) return undefined;
    return takesBody(method) ? bodies.reduce<unknown>((value, decode) => decode(value), input) : input;
  };
}
