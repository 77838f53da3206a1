import type { Definition } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import { compileTemplate, type Template } from '@flowplane/expressions/template';
import type { NodeType, NodeTypes } from './node-type.ts';

export type GraphEdge = { from: string; port: string };

export type GraphNode = {
  id: string;
  type: NodeType;
  /** Params with expressions, compiled. */
  template: Template;
  /** Params that are taken as written. */
  literals: Record<string, Json>;
  incoming: GraphEdge[];
};

/** A definition made ready to run. Immutable, shared by every execution of it. */
export type Graph = {
  /** In an order in which every node comes after those it depends on. */
  nodes: GraphNode[];
  /** Ids of the nodes that nothing follows. */
  ends: string[];
  output: Template | undefined;
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

/**
 * Compiles a definition that {@link definitionErrors} found nothing wrong with.
 *
 * @throws Error when a node's type is not among `types`, e.g. because a plugin was removed.
 */
export function compileGraph(definition: Definition, types: NodeTypes): Graph {
  const nodes = new Map<string, GraphNode>();
  for (const { id, type: name, params } of definition.nodes) {
    const type = types.get(name);
    if (!type) throw new Error(`node ${id} has the type ${name}, which is not installed`);
    const literals: Record<string, Json> = {};
    const templated: Record<string, Json> = {};
    for (const [key, value] of Object.entries(params)) {
      if (type.literal.includes(key)) literals[key] = value;
      else templated[key] = value;
    }
    nodes.set(id, { id, type, template: compileTemplate(templated), literals, incoming: [] });
  }
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
  };
}
