import type { Definition } from '@flowplane/contract/definition';
import type { FieldError } from '@flowplane/contract/errors';
import { compileTemplate } from '@flowplane/expressions/template';
import { topologicalOrder } from './graph.ts';
import type { NodeTypes } from './node-type.ts';

/**
 * Tells whether a node comes before another. What is before each is a set of bits: as sets of ids, a thousand nodes with ten
 * thousand edges took 200 ms.
 */
function precedence(definition: Definition): (id: string, other: string) => boolean {
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

/**
 * Expressions that name nodes which do not exist or are not before their own node, where the value would depend on what
 * happens to finish first.
 */
export function referenceErrors(definition: Definition, types: NodeTypes): FieldError[] {
  const ids = new Set(definition.nodes.map((node) => node.id));
  const isBefore = precedence(definition);
  const errors: FieldError[] = [];
  for (const [index, { id, type, params }] of definition.nodes.entries()) {
    const literal = types.get(type)?.literal ?? [];
    for (const [key, value] of Object.entries(params)) {
      if (literal.includes(key)) continue;
      for (const named of compileTemplate(value).nodeIds) {
        if (isBefore(named, id)) continue;
        const why = ids.has(named) ? `comes not before ${id}; add an edge from it` : 'does not exist';
        errors.push({ path: `nodes[${index}].params.${key}`, message: `nodes.${named} ${why} (node ${id})` });
      }
    }
  }
  if (definition.output === undefined) return errors;
  for (const named of compileTemplate(definition.output).nodeIds) {
    if (!ids.has(named)) errors.push({ path: 'output', message: `nodes.${named} does not exist` });
  }
  return errors;
}
