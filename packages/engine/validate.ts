import type { Definition } from '@flowplane/contract/definition';
import { type FieldError, writePath } from '@flowplane/contract/errors';
import type { Json } from '@flowplane/contract/json';
import { templateErrors } from '@flowplane/expressions/template';
import { topologicalOrder } from './graph.ts';
import type { NodeTypes } from './node-type.ts';
import { paramErrors } from './param-errors.ts';
import { referenceErrors } from './reference-errors.ts';

/** Errors past this many tell an author nothing more. */
const most = 50;

function duplicates(ids: string[]): number[] {
  const seen = new Set<string>();
  return ids.flatMap((id, index) => (seen.size === seen.add(id).size ? [index] : []));
}

function duplicateErrors(definition: Definition): FieldError[] {
  const nodes = duplicates(definition.nodes.map((node) => node.id)).map((index) => ({
    path: `nodes[${index}].id`,
    message: `another node has the id ${definition.nodes[index]?.id} too`,
  }));
  const triggers = duplicates(definition.triggers.map((trigger) => trigger.id)).map((index) => ({
    path: `triggers[${index}].id`,
    message: `another trigger has the id ${definition.triggers[index]?.id} too`,
  }));
  const paths = duplicates(definition.triggers.map((trigger) => `${trigger.method} ${trigger.path}`)).map((index) => ({
    path: `triggers[${index}].path`,
    message: 'another trigger of this workflow answers there too',
  }));
  return [...nodes, ...triggers, ...paths];
}

function edgeErrors(definition: Definition, types: NodeTypes): FieldError[] {
  const nodes = new Map(definition.nodes.map((node) => [node.id, node]));
  const errors = definition.edges.flatMap(({ from, to, port }, index) => {
    const found: FieldError[] = [];
    for (const [field, id] of Object.entries({ from, to })) {
      if (!nodes.has(id))
        found.push({ path: `edges[${index}].${field}`, message: `there is no node with the id ${id}` });
    }
    const source = nodes.get(from);
    const ports = source && types.get(source.type)?.ports(source.params);
    if (ports && !ports.includes(port ?? 'out')) {
      const message = `${from} (${source.type}) has the ports ${ports.join(', ')}${port ? `, not ${port}` : '; name one'}`;
      found.push({ path: `edges[${index}].port`, message });
    }
    return found;
  });
  const twice = duplicates(definition.edges.map(({ from, to, port }) => `${from} ${port ?? 'out'} ${to}`));
  return [...errors, ...twice.map((index) => ({ path: `edges[${index}]`, message: 'the same edge is there already' }))];
}

function cycleErrors(definition: Definition): FieldError[] {
  const stuck = new Set(topologicalOrder(definition).cyclic);
  if (stuck.size === 0) return [];
  // Ordered backwards, what only comes after a cycle falls away.
  const nodes = definition.nodes.filter((node) => stuck.has(node.id));
  const backwards = definition.edges.flatMap(({ from, to }) =>
    stuck.has(from) && stuck.has(to) ? [{ from: to, to: from }] : [],
  );
  const { cyclic } = topologicalOrder({ nodes, edges: backwards });
  const shown = `${cyclic.slice(0, 10).join(', ')}${cyclic.length > 10 ? ', …' : ''}`;
  return [{ path: 'edges', message: `these nodes wait for each other in a cycle: ${shown}` }];
}

function nodeErrors(definition: Definition, types: NodeTypes): FieldError[] {
  return definition.nodes.flatMap((node, index) => {
    const type = types.get(node.type);
    if (!type) {
      const message = `${node.type} (node ${node.id}) is not a node type; there are ${[...types.keys()].join(', ')}`;
      return [{ path: `nodes[${index}].type`, message }];
    }
    const templated = Object.fromEntries(Object.entries(node.params).filter(([key]) => !type.literal.includes(key)));
    const syntax = templateErrors(templated).map(({ path, message }) => ({ path, message }));
    const all = [...syntax, ...paramErrors(type, node.params), ...type.check(node.params)];
    return all.map(({ path, message }) => ({
      path: writePath(['nodes', index, 'params', ...path]),
      message: `${message} (node ${node.id})`,
    }));
  });
}

function outputErrors(output: Json | undefined): FieldError[] {
  if (output === undefined) return [];
  return templateErrors(output).map(({ path, message }) => ({ path: writePath(['output', ...path]), message }));
}

/**
 * What is wrong with a definition, naming node and field; empty when it can run. The shape has been checked by the contract's
 * schema before.
 */
export function definitionErrors(definition: Definition, types: NodeTypes): FieldError[] {
  const structure = [...duplicateErrors(definition), ...edgeErrors(definition, types)];
  // The order of a graph with dangling edges says nothing about cycles.
  const graph = structure.length > 0 ? structure : cycleErrors(definition);
  const values = [...nodeErrors(definition, types), ...outputErrors(definition.output)];
  const references = graph.length + values.length > 0 ? [] : referenceErrors(definition, types);
  return [...graph, ...values, ...references].slice(0, most);
}
