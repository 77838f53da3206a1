import { type Body, body as bodySchema, type Definition, type Node } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { compileTemplate, type Template } from '@flowplane/expressions/template';
import type { LoopType, NodeType, NodeTypes } from '../node-type.ts';
import { type CompiledConcurrency, compileConcurrency } from '../queue/concurrency.ts';

export type GraphEdge = { from: string; port: string };

export type GraphNode = {
  id: string;
  type: NodeType;
  /** Params with expressions, compiled. */
  template: Template;
  /** Params that are taken as written. */
  literals: Record<string, Json>;
  incoming: GraphEdge[];
  joinAny: boolean;
  settings: Pick<Node, 'retry' | 'timeoutMs' | 'heartbeatTimeoutMs' | 'onError' | 'disabled' | 'pin' | 'credentialId'>;
  /** What a loop repeats. */
  body: LoopBody | undefined;
};

/** A definition, or the body of a loop, made ready to run. Immutable, shared by every execution of it. */
export type Graph = {
  /** In an order in which every node comes after those it depends on. */
  nodes: GraphNode[];
  /** Ids of the nodes that nothing follows. */
  ends: string[];
  output: Template | undefined;
  /** The credentials that its nodes name, those in loops included. */
  credentialIds: readonly string[];
  /** Seconds that an execution of it may take, where that was said. */
  timeoutSeconds: number | undefined;
  /** How many executions of it may be under way at once, where that was said. */
  concurrency: CompiledConcurrency | undefined;
  priority: number;
};

/** The graph that a loop runs for each item. */
export type LoopBody = {
  graph: Graph;
  /** `{output, until}` of an item at its end; each only where it was written. */
  end: Template;
  /** Ids of the nodes around the loop that its expressions name; undefined when they may reach any. */
  outer: string[] | undefined;
};

/** The ids of a definition's nodes so that each comes after those it depends on, and what a cycle keeps out of the order. */
export function topologicalOrder(definition: Pick<Definition, 'nodes' | 'edges'>): {
  order: string[];
  cyclic: string[];
} {
  const waitsFor = new Map(definition.nodes.map((node) => [node.id, 0]));
  const followers = new Map<string, string[]>();
  for (const { from, to } of definition.edges) {
    waitsFor.set(to, (waitsFor.get(to) ?? 0) + 1);
    const list = followers.get(from);
    if (list) list.push(to);
    else followers.set(from, [to]);
  }
  const order = [...waitsFor].filter(([, count]) => count === 0).map(([id]) => id);
  for (const id of order) {
    for (const next of followers.get(id) ?? []) {
      const count = (waitsFor.get(next) ?? 0) - 1;
      waitsFor.set(next, count);
      if (count === 0) order.push(next);
    }
  }
  const ordered = new Set(order);
  return { order, cyclic: [...waitsFor.keys()].filter((id) => !ordered.has(id)) };
}

/** The node ids that the expressions of templates name; `all` when they may reach any. */
export type Named = { ids: Set<string>; all: boolean };

function namedBy(templates: Template[]): Named {
  return {
    ids: new Set(templates.flatMap(({ nodeIds }) => [...nodeIds])),
    all: templates.some(({ expressions }) => expressions.some(({ names }) => names.allNodes)),
  };
}

/** The ids of nodes before it that a node's params name. */
export function namedByNode({ template, literals, body }: GraphNode): Named {
  const named = namedBy([template]);
  const inner = body && (body.outer === undefined ? { ids: [], all: true } : { ids: body.outer, all: false });
  // Code that is taken as written may name any node.
  const all = named.all || inner?.all === true || Object.keys(literals).length > 0;
  return { ids: new Set([...named.ids, ...(inner?.ids ?? [])]), all };
}

function compileBody(loop: LoopType, params: Node['params'], types: NodeTypes): LoopBody {
  const { output, ...inner } = bodySchema.parse(params[loop.body]);
  const until = params[loop.until];
  const graph = compileGraph(inner, types);
  const end = compileTemplate({ ...(output !== undefined && { output }), ...(until !== undefined && { until }) });
  const named = [namedBy([end]), ...graph.nodes.map(namedByNode)];
  const own = new Set(graph.nodes.map((node) => node.id));
  const ids = new Set(named.flatMap((each) => [...each.ids]).filter((id) => !own.has(id)));
  return { graph, end, outer: named.some(({ all }) => all) ? undefined : [...ids] };
}

function compileNode(node: Node, types: NodeTypes): GraphNode {
  const {
    id,
    type: name,
    params,
    join,
    retry,
    timeoutMs,
    heartbeatTimeoutMs,
    onError,
    disabled,
    pin,
    credentialId,
  } = node;
  const type = types.get(name);
  if (!type) throw new Error(`node ${id} has the type ${name}, which is not installed`);
  const literals: Record<string, Json> = {};
  const templated: Record<string, Json> = {};
  for (const [key, value] of Object.entries(params)) {
    if (key === type.loop?.body || key === type.loop?.until) continue;
    if (type.literal.includes(key)) literals[key] = value;
    else templated[key] = value;
  }
  return {
    id,
    type,
    template: compileTemplate(templated),
    literals,
    incoming: [],
    joinAny: join === 'any',
    settings: { retry, timeoutMs, heartbeatTimeoutMs, onError, disabled, pin, credentialId },
    body: type.loop && compileBody(type.loop, params, types),
  };
}

function credentialsOf(nodes: readonly GraphNode[]): string[] {
  const ids = nodes.flatMap(({ settings, body }) =>
    [settings.credentialId ?? [], body?.graph.credentialIds ?? []].flat(),
  );
  return [...new Set(ids)];
}

type Uncompiled = Pick<Body, 'nodes' | 'edges' | 'output'> &
  Partial<Pick<Definition, 'timeoutSeconds' | 'concurrency' | 'priority'>>;

/**
 * Compiles a definition that {@link definitionErrors} found nothing wrong with.
 *
 * @throws Error when a node's type is not among `types`, e.g. because a plugin was removed.
 */
export function compileGraph(definition: Uncompiled, types: NodeTypes): Graph {
  const nodes = new Map(definition.nodes.map((node) => [node.id, compileNode(node, types)]));
  const followed = new Set<string>();
  for (const { from, to, port } of definition.edges) {
    nodes.get(to)?.incoming.push({ from, port: port ?? 'out' });
    followed.add(from);
  }
  const ordered = topologicalOrder(definition).order.flatMap((id) => nodes.get(id) ?? []);
  return {
    nodes: ordered,
    ends: definition.nodes.map((node) => node.id).filter((id) => !followed.has(id)),
    output: definition.output === undefined ? undefined : compileTemplate(definition.output),
    credentialIds: credentialsOf(ordered),
    timeoutSeconds: definition.timeoutSeconds,
    concurrency: definition.concurrency && compileConcurrency(definition.concurrency),
    priority: definition.priority ?? limits.priority.usual,
  };
}
