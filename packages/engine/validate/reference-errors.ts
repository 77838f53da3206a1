import { type Body, body as bodySchema } from '@flowplane/contract/definition';
import type { FieldError } from '@flowplane/contract/errors';
import type { Json } from '@flowplane/contract/json';
import { compileTemplate } from '@flowplane/expressions/template';
import { topologicalOrder } from '../graph/graph.ts';
import { holdsTemplates, type NodeTypes } from '../node-type.ts';

type Graph = Pick<Body, 'nodes' | 'edges' | 'output'>;

/**
 * Tells whether a node comes before another. What is before each is a set of bits: as sets of ids, a thousand nodes with ten
 * thousand edges took 200 ms.
 */
function precedence(definition: Graph): (id: string, other: string) => boolean {
  const bits = new Map(definition.nodes.map((node, index) => [node.id, 1n << BigInt(index)]));
  const incoming = new Map<string, string[]>(definition.nodes.map((node) => [node.id, []]));
  for (const { from, to } of definition.edges) incoming.get(to)?.push(from);
  const before = new Map<string, bigint>();
  for (const id of topologicalOrder(definition).order) {
    let all = 0n;
    for (const from of incoming.get(id) ?? []) all |= (bits.get(from) ?? 0n) | (before.get(from) ?? 0n);
    before.set(id, all);
  }
  return (id, other) => ((before.get(other) ?? 0n) & (bits.get(id) ?? 0n)) !== 0n;
}

/** The ids that the params of nodes name, by the place of the node: `nodes[2]`, or `nodes[2].params.body.nodes[0]`. */
export type NamedNodes = Map<string, ReadonlySet<string>>;

/** What is known around a graph: where its errors are, and the nodes that can be seen from it. */
type Around = { named: NamedNodes; at?: string; isVisible?: (id: string) => boolean };

function namesIn(value: Json | undefined): string[] {
  return value === undefined ? [] : [...compileTemplate(value).nodeIds];
}

/**
 * Expressions that name nodes which do not exist or are not before their own node, where the value would depend on what
 * happens to finish first. The body of a loop also sees what is before the loop.
 */
export function referenceErrors(
  graph: Graph,
  types: NodeTypes,
  { named: namedBy, at = '', isVisible = () => false }: Around,
): FieldError[] {
  const ids = new Set(graph.nodes.map((node) => node.id));
  const isBefore = precedence(graph);
  const errors: FieldError[] = [];
  for (const [index, { id, type: name, params }] of graph.nodes.entries()) {
    const type = types.get(name);
    const sees = (named: string) => isBefore(named, id) || isVisible(named);
    const all = namedBy.get(`${at}nodes[${index}]`) ?? [];
    const isSound = [...all].every(sees);
    for (const [key, value] of Object.entries(params)) {
      const path = `${at}nodes[${index}].params.${key}`;
      if (key === type?.loop?.body) {
        const body = bodySchema.parse(value);
        const inner = new Set(body.nodes.map((node) => node.id));
        errors.push(...referenceErrors(body, types, { named: namedBy, at: `${path}.`, isVisible: sees }));
        const until = namesIn(params[type.loop.until]).filter((named) => !inner.has(named) && !sees(named));
        for (const named of until)
          errors.push({
            path: `${at}nodes[${index}].params.${type.loop.until}`,
            message: `nodes.${named} does not exist in the body or before it`,
          });
      }
      if (isSound || (type && (key === type.loop?.until || !holdsTemplates(type, key)))) continue;
      for (const named of namesIn(value)) {
        if (sees(named)) continue;
        const why = ids.has(named) ? `comes not before ${id}; add an edge from it` : 'does not exist';
        errors.push({ path, message: `nodes.${named} ${why} (node ${id})` });
      }
    }
  }
  for (const named of namesIn(graph.output)) {
    if (!ids.has(named) && !isVisible(named))
      errors.push({ path: `${at}output`, message: `nodes.${named} does not exist` });
  }
  return errors;
}
