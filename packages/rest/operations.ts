import type { AnyTRPCRouter } from '@trpc/server';
import type { $ZodType } from 'zod/v4/core';
import type { RestMeta } from './meta.ts';
import { definitionOf, isSchema } from './schema.ts';

/** One procedure of a router: its dotted path, what it declares, its schemas. */
export type Operation = {
  procedure: string;
  type: 'query' | 'mutation' | 'subscription';
  meta: RestMeta;
  /** One for each `.input()`; all are fed the same object. */
  inputs: $ZodType[];
  output: $ZodType | undefined;
};

type Definition = { type: Operation['type']; meta?: unknown; inputs?: unknown[]; output?: unknown };

function isProcedure(value: unknown): value is { _def: Definition } {
  return typeof value === 'function' && '_def' in value;
}

function isMeta(value: unknown): value is RestMeta {
  return typeof value === 'object' && value !== null;
}

const nothing = new Set(['void', 'undefined', 'never']);

/**
 * Every procedure of a router.
 *
 * @throws Error for a router with lazy parts: its routes could not be known when the server starts.
 */
export function operationsOf(router: AnyTRPCRouter): Operation[] {
  const lazy = Object.keys(router._def.lazy);
  if (lazy.length > 0)
    throw new Error(`Lazy routers cannot be served: load ${lazy.join(', ')} when the server starts.`);
  const procedures: [string, unknown][] = Object.entries(router._def.procedures);
  return procedures.flatMap(([path, procedure]) => {
    if (!isProcedure(procedure)) return [];
    const { type, meta, inputs, output } = procedure._def;
    return {
      procedure: path,
      type,
      meta: isMeta(meta) ? meta : {},
      inputs: (inputs ?? []).filter(isSchema).filter((schema) => !nothing.has(definitionOf(schema).type)),
      output: isSchema(output) ? output : undefined,
    };
  });
}
