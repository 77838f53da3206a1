import type { $ZodType } from 'zod/v4/core';
import { reaches } from './schema.ts';

const bigints = new Set(['bigint']);

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** How values of a schema become JSON: dates as ISO strings, big integers as digits. */
export function jsonText(schema: $ZodType | undefined): (value: unknown) => string {
  const replacer = schema && reaches(schema, bigints, 'output') ? bigintAsText : undefined;
  return (value) => JSON.stringify(value, replacer);
}
