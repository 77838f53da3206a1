import { type Body, body as bodySchema, type Node, node as nodeSchema } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import type { NodeTypes } from '../node-type.ts';

function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value));
}

/** Every node of a graph, those in the bodies of loops included; each loop comes before what is in it. */
export function nodesWithin(graph: Pick<Body, 'nodes'>, types: NodeTypes): Node[] {
  return graph.nodes.flatMap((node) => {
    const name = types.get(node.type)?.loop?.body;
    const body = name === undefined ? undefined : bodySchema.safeParse(node.params[name]);
    return body?.success ? [node, ...nodesWithin(body.data, types)] : [node];
  });
}

/** The body of a loop with its nodes changed, and everything else as it was written. */
function changeBody(body: Json | undefined, types: NodeTypes, change: (node: Node) => Node): Json | undefined {
  if (body === null || typeof body !== 'object' || Array.isArray(body) || !Array.isArray(body.nodes)) return body;
  const nodes = body.nodes.map((written) => {
    const parsed = nodeSchema.safeParse(written);
    if (!parsed.success) return written;
    const changed = changeNode(parsed.data, types, change);
    return changed === parsed.data ? written : plain(changed);
  });
  return nodes.every((node, index) => node === Reflect.get(Object(body.nodes), index)) ? body : { ...body, nodes };
}

function changeNode(node: Node, types: NodeTypes, change: (node: Node) => Node): Node {
  const name = types.get(node.type)?.loop?.body;
  const before = name === undefined ? undefined : node.params[name];
  const after = changeBody(before, types, change);
  if (name === undefined || after === undefined || after === before) return change(node);
  return change({ ...node, params: { ...node.params, [name]: after } });
}

/** A definition with its nodes changed, those in the bodies of loops included. @param change gives the node itself when it stays. */
export function changeNodes<Graph extends { nodes: Node[] }>(
  graph: Graph,
  types: NodeTypes,
  change: (node: Node) => Node,
): Graph {
  return { ...graph, nodes: graph.nodes.map((node) => changeNode(node, types, change)) };
}
