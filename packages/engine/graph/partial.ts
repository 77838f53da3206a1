import type { Definition, Node } from '@flowplane/contract/definition';
import type { NodeTypes } from '../node-type.ts';
import { compileGraph, namedByNode } from './graph.ts';
import { changeNodes } from './nodes-within.ts';
import { portsOf } from './ports.ts';

/** What a node is taken to have answered. */
export type Pin = NonNullable<Node['pin']>;

/** The ids of the nodes that come before one, in the order of the definition. */
function before({ nodes, edges }: Pick<Definition, 'nodes' | 'edges'>, id: string): string[] {
  const sources = new Map<string, string[]>();
  for (const { from, to } of edges) sources.set(to, [...(sources.get(to) ?? []), from]);
  const found = new Set<string>([id]);
  for (const each of found) for (const from of sources.get(each) ?? []) found.add(from);
  return nodes.map((node) => node.id).filter((each) => each !== id && found.has(each));
}

/** A definition as a test runs it: nothing starts it, and it neither waits for other executions nor makes them wait. */
export function forTest(definition: Definition, pins: ReadonlyMap<string, Pin>, types: NodeTypes): Definition {
  const pinned = changeNodes(definition, types, (node) => {
    const pin = pins.get(node.id);
    return pin ? { ...node, pin } : node;
  });
  return { ...pinned, triggers: [], concurrency: undefined, priority: undefined };
}

/** A definition cut to one of its nodes and what comes before it; its output is that node's result. */
export function cutAfter(definition: Definition, id: string): Definition {
  const kept = new Set([...before(definition, id), id]);
  return {
    ...definition,
    nodes: definition.nodes.filter((node) => kept.has(node.id)),
    edges: definition.edges.filter(({ from, to }) => from !== id && kept.has(from) && kept.has(to)),
    output: undefined,
  };
}

/**
 * What one node can see when it is run alone: `all` are the nodes before it, `needed` those that it cannot do without, because
 * it names them, or, where it may name any, because they lead to it. A disabled node has no result, so nobody needs it.
 */
export function seenBy(definition: Definition, id: string, types: NodeTypes): { all: string[]; needed: string[] } {
  const all = before(definition, id);
  const node = compileGraph(definition, types).nodes.find((each) => each.id === id);
  const named = node ? namedByNode(node) : { ids: new Set<string>(), all: false };
  const leading = new Set(definition.edges.filter(({ to }) => to === id).map(({ from }) => from));
  const disabled = new Set(definition.nodes.filter((each) => each.disabled).map((each) => each.id));
  const isNeeded = (each: string) => named.ids.has(each) || (named.all && leading.has(each));
  return { all, needed: all.filter((each) => isNeeded(each) && !disabled.has(each)) };
}

/** A node that only has its result. Which of its ports is taken does not matter, as the one node runs whatever happens. */
function standIn(node: Node, { output, port }: Pin, types: NodeTypes): Node {
  const type = types.get(node.type);
  const ports = type ? portsOf(type, node) : [];
  const taken = port ?? (ports.includes('out') ? undefined : ports[0]);
  const { id, params, onError } = node;
  return { id, type: node.type, params, onError, pin: { output, ...(taken !== undefined && { port: taken }) } };
}

/**
 * A definition of one node, run for real although it may be pinned or disabled, after nodes that only have their results.
 *
 * @param results of nodes before it, by their ids.
 */
export function cutTo(
  definition: Definition,
  { id, results }: { id: string; results: ReadonlyMap<string, Pin> },
  types: NodeTypes,
): Definition {
  const nodes = definition.nodes.flatMap((node) => {
    const result = results.get(node.id);
    if (node.id === id) return [{ ...node, pin: undefined, disabled: undefined, join: undefined }];
    return result ? [standIn(node, result, types)] : [];
  });
  const edges = nodes.flatMap((node) =>
    node.id === id ? [] : [{ from: node.id, to: id, ...(node.pin?.port !== undefined && { port: node.pin.port }) }],
  );
  return { ...definition, nodes, edges, output: undefined };
}
