import type { Definition } from '@flowplane/contract/definition';
import type { FieldError } from '@flowplane/contract/errors';
import { compileTemplate } from '@flowplane/expressions/template';
import { topologicalOrder } from './graph.ts';
import type { NodeTypes } from './node-type.ts';

/** The ids of all nodes before each node, by id. */
function ancestors(definition: Definition): Map<string, Set<string>> {
  const before = new Map<string, Set<string>>(definition.nodes.map((node) => [node.id, new Set()]));
  const incoming = new Map<string, string[]>();
  for (const { from, to } of definition.edges) incoming.set(to, [...(incoming.get(to) ?? []), from]);
  for (const id of topologicalOrder(definition).order) {
    const own = before.get(id);
    for (const from of incoming.get(id) ?? []) {
      own?.add(from);
      for (const further of before.get(from) ?? []) own?.add(further);
    }
  }
  return before;
}

/**
 * Expressions that name nodes which do not exist or are not before their own node, where the value would depend on what
 * happens to finish first.
 */
export function referenceErrors(definition: Definition, types: NodeTypes): FieldError[] {
  const before = ancestors(definition);
  const errors: FieldError[] = [];
  for (const [index, { id, type, params }] of definition.nodes.entries()) {
    const literal = types.get(type)?.literal ?? [];
    for (const [key, value] of Object.entries(params)) {
      if (literal.includes(key)) continue;
      for (const named of compileTemplate(value).nodeIds) {
        if (before.get(id)?.has(named)) continue;
        const why = before.has(named) ? `comes not before ${id}; add an edge from it` : 'does not exist';
        errors.push({ path: `nodes[${index}].params.${key}`, message: `nodes.${named} ${why} (node ${id})` });
      }
    }
  }
  if (definition.output === undefined) return errors;
  for (const named of compileTemplate(definition.output).nodeIds) {
    if (!before.has(named)) errors.push({ path: 'output', message: `nodes.${named} does not exist` });
  }
  return errors;
}
