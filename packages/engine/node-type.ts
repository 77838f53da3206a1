import type { LogLevel } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { z } from 'zod';
import { NodeError } from './node-error.ts';

/** What a webhook answers instead of the execution's output. */
export type HttpAnswer = { status: number; headers: Record<string, string>; body: Json };

/** What running a node gives: its result at once, or after a wait that costs nothing. */
export type Outcome = {
  output: Json;
  /** The output port that is taken; `out` where the type has only one. */
  port?: string;
  /** The step completes with `output` after this; measured by the database's clock. */
  wait?: { seconds: number } | { until: Date };
  /** Sent to the caller of the webhook as soon as the node has run. */
  respond?: HttpAnswer;
};

/** What a node is given besides its params. */
export type NodeContext = {
  /** `input nodes vars run`, as expressions see them. */
  scope: {
    input: Json;
    nodes: { readonly [id: string]: Json | undefined };
    vars: { [key: string]: Json };
    run: { [key: string]: Json };
  };
  /** The same at every attempt of this step: `<execution>:<path>`. */
  idempotencyKey: string;
  /** Aborted when the execution is cancelled, fails elsewhere, or loses its lease. */
  signal: AbortSignal;
  log(level: LogLevel, message: string, data?: Json): void;
};

/** A node type as the engine sees it. Made by {@link defineNode}. */
export type NodeType = {
  type: string;
  title: string;
  description: string;
  params: z.ZodType;
  /** Params that are taken as written, without `{{ }}`. */
  literal: readonly string[];
  /** Whether running it changes or reads something outside; such a step is committed before anything depends on it. */
  effect: boolean;
  /** The output ports that a node with these (unevaluated) params has. */
  ports(params: Record<string, Json>): readonly string[];
  /** What is wrong with params beyond their schema, e.g. a syntax error in code. */
  check(params: Record<string, Json>): { path: PropertyKey[]; message: string }[];
  run(params: Json, context: NodeContext): Outcome | Promise<Outcome>;
};

/**
 * Defines a node type: one record, one file.
 *
 * @param definition.run gets params that the schema has parsed, with every expression evaluated. It throws
 * {@link NodeError} for failures that the workflow's author should see.
 */
export function defineNode<Params extends z.ZodType>(definition: {
  type: string;
  title: string;
  description: string;
  params: Params;
  literal?: readonly string[];
  effect?: boolean;
  ports?: (params: Record<string, Json>) => readonly string[];
  check?: (params: Record<string, Json>) => { path: PropertyKey[]; message: string }[];
  run: (params: z.output<Params>, context: NodeContext) => Outcome | Promise<Outcome>;
}): NodeType {
  const { params: schema, run } = definition;
  return {
    type: definition.type,
    title: definition.title,
    description: definition.description,
    params: schema,
    literal: definition.literal ?? [],
    effect: definition.effect ?? false,
    ports: definition.ports ?? (() => ['out']),
    check: definition.check ?? (() => []),
    run(raw, context) {
      const parsed = schema.safeParse(raw);
      if (parsed.success) return run(parsed.data, context);
      const [issue] = parsed.error.issues;
      const field = issue?.path.join('.');
      throw new NodeError('invalid_params', `params${field ? `.${field}` : ''}: ${issue?.message ?? 'not valid'}`);
    },
  };
}

/** The node types that an engine knows, by name. */
export type NodeTypes = ReadonlyMap<string, NodeType>;
