import type { Json } from '@flowplane/contract/json';
import type { NodeType } from '../node-type.ts';

type ParamError = { path: PropertyKey[]; message: string };

function hasExpression(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('{{');
  if (value === null || typeof value !== 'object') return false;
  return Object.values(value).some(hasExpression);
}

/** Whether the value at `path`, something above it, or something within it is only known once expressions are evaluated. */
function dependsOnExpression(params: Json, path: PropertyKey[]): boolean {
  let value: unknown = params;
  for (const key of path) {
    if (typeof value === 'string') return hasExpression(value);
    if (value === null || typeof value !== 'object') return false;
    value = Reflect.get(value, key);
  }
  return hasExpression(value);
}

/**
 * What a type's schema finds wrong with params as written. Findings about values that hold expressions are left to the run,
 * which checks the same schema on what they evaluate to; literal params are what they are.
 */
export function paramErrors(type: NodeType, params: Record<string, Json>): ParamError[] {
  const parsed = type.params.safeParse(params);
  if (parsed.success) return [];
  return parsed.error.issues
    .filter(
      ({ code, path }) =>
        code === 'unrecognized_keys' || type.literal.includes(String(path[0])) || !dependsOnExpression(params, path),
    )
    .map(({ path, message }) => ({ path, message }));
}
