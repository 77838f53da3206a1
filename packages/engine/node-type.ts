import type { LogLevel } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import type { z } from 'zod';
import type { CredentialParts } from './credentials.ts';
import { NodeError } from './node-error.ts';

/** What a webhook answers instead of the execution's output. */
export type HttpAnswer = { status: number; headers: Record<string, string>; body: Json };

/** What a step waits for that is not a time; `timeoutSeconds` later it fails with `wait_timeout`. */
export type Suspension = { timeoutSeconds?: number | undefined } & (
  | { kind: 'event'; event: string; match: Json }
  | { kind: 'approval'; request: Json }
  | { kind: 'call'; childId: string }
);

/** A run of another workflow that a node starts and waits for. */
export type CallRequest = { workflowId: string; input: Json; onParentEnd: 'cancel' | 'leave' };

/** What running a node gives: its result at once, or after a wait that costs nothing. */
export type Outcome = {
  output: Json;
  /** The output port that is taken; `out` where the type has only one. */
  port?: string;
  /** The step completes with `output` after this; measured by the database's clock. */
  wait?: { seconds: number } | { until: Date };
  /** The step completes with what this waits for. */
  suspend?: Suspension;
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
    /** The item that the body of a loop runs for, and its place, from 0. */
    item?: Json;
    index?: number;
  };
  /** Whose execution it is: who shares something between nodes, such as a sandbox, shares it by this. */
  teamId: string;
  /** The same at every attempt of this step: `<execution>:<path>`. */
  idempotencyKey: string;
  /** Aborted when the execution is cancelled, fails elsewhere, or loses its lease. */
  signal: AbortSignal;
  log(level: LogLevel, message: string, data?: Json): void;
  /**
   * A sign of life, for the node's `heartbeatTimeoutMs`. May be called at any rate: `progress` is shown with the step and given to
   * the next attempt, of what comes within a second the last.
   *
   * @throws NodeError when `progress` is larger than `limits.progressBytes`, or no JSON.
   */
  heartbeat(progress?: Json): void;
  /** The last progress of an attempt before this one that failed, or whose worker died; absent where there was none. */
  lastProgress?: Json | undefined;
  /**
   * What the node's credential adds to a request to `url`, which must hold no secret itself; absent where the node has none.
   *
   * @throws NodeError when there is no such credential, it may not be sent there, or cannot be read.
   */
  credential?: ((url: string) => Promise<CredentialParts>) | undefined;
  /** Takes secrets out of a text before it is cut; what a node gives, logs or throws is redacted as a whole. Absent like `credential`. */
  redact?: ((text: string) => string) | undefined;
  /**
   * Starts an execution of another workflow's published version: one, however often the step is attempted.
   *
   * @returns its id, to wait for.
   * @throws NodeError when there is no such workflow, it is not published, or calls are nested too deeply.
   */
  call(request: CallRequest): Promise<string>;
};

/** What comes while an execution waits: an event, or the decision of an approval. */
export type ExampleArrival =
  | { event: string; data: Json }
  | { decision: { approved: boolean; fields: Record<string, string | number | boolean> } };

/** A node type in use: a small workflow, what it is started with, and what it ends with. */
export type NodeExample = {
  definition: {
    nodes: { id: string; type: string; params?: Record<string, Json> }[];
    edges?: { from: string; to: string; port?: string }[];
    output?: Json;
  };
  input?: Json;
  /** For one that waits. */
  arrives?: ExampleArrival;
  /** Other workflows that are published, by the ids that the example calls them by. */
  calls?: Record<string, NodeExample['definition']>;
} & ({ output: Json } | { error: { code: string; message: string } });

/** How a loop goes over its items. */
export type LoopSettings = {
  items: Json[];
  /** Items under way at once. */
  concurrency: number;
  /** `continue` gives `{error}` as the result of an item that failed. */
  onItemError: 'fail' | 'continue';
  /** Failed items past which the loop fails all the same. */
  maxFailures: number;
};

/** What makes a node type a loop: the engine runs the graph in one of its params for each item. */
export type LoopType = {
  /** The param that is the graph. */
  body: string;
  /** The param that, evaluated after each item, says whether to start no further one. */
  until: string;
  /** @param params the others, evaluated. @throws NodeError for params that are not valid. */
  settings(params: Json): LoopSettings;
};

/** A node type as the engine sees it. Made by {@link defineNode} or {@link defineLoop}. */
export type NodeType = RunnableNode | LoopNode;

/** A node type that does something itself. */
export type RunnableNode = NodeBase & {
  run(params: Json, context: NodeContext): Outcome | Promise<Outcome>;
  loop?: undefined;
};

type LoopNode = NodeBase & { run?: undefined; loop: LoopType };

type NodeBase = {
  type: string;
  title: string;
  description: string;
  params: z.ZodType;
  /** Params that are taken as written, without `{{ }}`. */
  literal: readonly string[];
  /** Those of the literal params whose `{{ }}` the node evaluates itself, once per item. */
  perItem: readonly string[];
  /** Whether nodes of it may have a credential. */
  credential: boolean;
  /** Whether running it changes or reads something outside; such a step is committed before anything depends on it. */
  effect: boolean;
  /** The output ports that a node with these (unevaluated) params has. */
  ports(params: Record<string, Json>): readonly string[];
  /** What is wrong with params beyond their schema, e.g. a syntax error in code. */
  check(params: Record<string, Json>): { path: PropertyKey[]; message: string }[];
  /** Whether it calls `heartbeat`, so that nodes of it may have a `heartbeatTimeoutMs`. */
  heartbeats: boolean;
  /** Whether its steps wait for an approval, to which expressions see a link. */
  asks: boolean;
  /** For the docs. */
  example: NodeExample | undefined;
};

function parseParams<Params extends z.ZodType>(schema: Params, params: Json): z.output<Params> {
  const parsed = schema.safeParse(params);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.');
  throw new NodeError('invalid_params', `params${field ? `.${field}` : ''}: ${issue?.message ?? 'not valid'}`);
}

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
  perItem?: readonly string[];
  effect?: boolean;
  heartbeats?: boolean;
  asks?: boolean;
  credential?: boolean;
  ports?: (params: Record<string, Json>) => readonly string[];
  check?: (params: Record<string, Json>) => { path: PropertyKey[]; message: string }[];
  example?: NodeExample;
  run: (params: z.output<Params>, context: NodeContext) => Outcome | Promise<Outcome>;
}): RunnableNode {
  const { params: schema, run } = definition;
  return {
    type: definition.type,
    title: definition.title,
    description: definition.description,
    params: schema,
    literal: [...(definition.literal ?? []), ...(definition.perItem ?? [])],
    perItem: definition.perItem ?? [],
    effect: definition.effect ?? false,
    heartbeats: definition.heartbeats ?? false,
    asks: definition.asks ?? false,
    credential: definition.credential ?? false,
    ports: definition.ports ?? (() => ['out']),
    check: definition.check ?? (() => []),
    example: definition.example,
    run: (raw, context) => run(parseParams(schema, raw), context),
  };
}

/**
 * Defines a node type that repeats a graph.
 *
 * @param definition.params all params, for validation and the editor; `settings` those of them that are evaluated, i.e. without
 * `body` and `until`, which are taken as written.
 */
export function defineLoop<Settings extends z.ZodType>(definition: {
  type: string;
  title: string;
  description: string;
  params: z.ZodType;
  example?: NodeExample;
  body: string;
  until: string;
  settings: Settings;
  loop: (settings: z.output<Settings>) => LoopSettings;
}): LoopNode {
  const { settings, loop, body, until, example, ...rest } = definition;
  return {
    ...rest,
    example,
    literal: [body, until],
    perItem: [until],
    effect: false,
    heartbeats: false,
    asks: false,
    credential: false,
    ports: () => ['out'],
    check: () => [],
    loop: { body, until, settings: (raw) => loop(parseParams(settings, raw)) },
  };
}

/** Whether `{{ }}` in a param are expressions, whoever evaluates them. */
export function holdsTemplates(type: NodeType, param: string): boolean {
  return !type.literal.includes(param) || type.perItem.includes(param);
}

/** The node types that an engine knows, by name. */
export type NodeTypes = ReadonlyMap<string, NodeType>;
