import { type Body, body as bodySchema, type Definition, type Node } from '@flowplane/contract/definition';
import { type FieldError, writePath } from '@flowplane/contract/errors';
import { limits } from '@flowplane/contract/limits';
import { readTemplate, templateErrors } from '@flowplane/expressions/template';
import { topologicalOrder } from '../graph/graph.ts';
import { portsOf } from '../graph/ports.ts';
import { holdsTemplates, type NodeType, type NodeTypes } from '../node-type.ts';
import { concurrencyErrors } from '../queue/concurrency.ts';
import { paramErrors } from './param-errors.ts';
import { type NamedNodes, referenceErrors } from './reference-errors.ts';
import { triggerErrors } from './trigger-errors.ts';

/** Errors past this many tell an author nothing more. */
const most = 50;

function duplicates(ids: string[]): number[] {
  const seen = new Set<string>();
  return ids.flatMap((id, index) => (seen.size === seen.add(id).size ? [index] : []));
}

/** A graph of a definition: its own, or the body of a loop. */
export type Part = {
  graph: Pick<Body, 'nodes' | 'edges' | 'output'>;
  /** What the paths of its errors begin with: nothing, or `nodes[2].params.body.` */
  at: string;
  depth: number;
};

/** The graphs of a definition that can be read, each before those within it. */
export function partsOf(part: Part, types: NodeTypes): Part[] {
  const within = part.graph.nodes.flatMap((node, index) => {
    const name = types.get(node.type)?.loop?.body;
    const body = name === undefined ? undefined : bodySchema.safeParse(node.params[name]);
    if (!body?.success || part.depth >= limits.depth) return [];
    return partsOf({ graph: body.data, at: `${part.at}nodes[${index}].params.${name}.`, depth: part.depth + 1 }, types);
  });
  return [part, ...within];
}

function sizeErrors(parts: Part[]): FieldError[] {
  const nodes = parts.reduce((sum, { graph }) => sum + graph.nodes.length, 0);
  const edges = parts.reduce((sum, { graph }) => sum + graph.edges.length, 0);
  return [
    ...(nodes > limits.nodes
      ? [{ path: 'nodes', message: `there are ${nodes} nodes, those in loops included; at most ${limits.nodes}` }]
      : []),
    ...(edges > limits.edges
      ? [{ path: 'edges', message: `there are ${edges} edges, those in loops included; at most ${limits.edges}` }]
      : []),
  ];
}

function duplicateNodeErrors(parts: Part[]): FieldError[] {
  const all = parts.flatMap(({ graph, at }) =>
    graph.nodes.map(({ id }, index) => ({ id, path: `${at}nodes[${index}].id` })),
  );
  return duplicates(all.map(({ id }) => id)).flatMap((index) => {
    const { id, path } = all[index] ?? { id: '', path: '' };
    return [{ path, message: `another node has the id ${id} too` }];
  });
}

function edgeErrors({ graph, at }: Part, types: NodeTypes): FieldError[] {
  const nodes = new Map(
    graph.nodes.map((node) => {
      const type = types.get(node.type);
      return [node.id, { type: node.type, ports: type && portsOf(type, node) }];
    }),
  );
  const errors = graph.edges.flatMap(({ from, to, port }, index) => {
    const found: FieldError[] = [];
    const source = nodes.get(from);
    const missing = (field: string, id: string) =>
      found.push({ path: `${at}edges[${index}].${field}`, message: `there is no node with the id ${id}` });
    if (!source) missing('from', from);
    if (!nodes.has(to)) missing('to', to);
    if (source?.ports && !source.ports.includes(port ?? 'out')) {
      const ports = source.ports.join(', ');
      const message = `${from} (${source.type}) has the ports ${ports}${port ? `, not ${port}` : '; name one'}`;
      found.push({ path: `${at}edges[${index}].port`, message });
    }
    return found;
  });
  const twice = duplicates(graph.edges.map(({ from, to, port }) => `${from} ${port ?? 'out'} ${to}`));
  return [
    ...errors,
    ...twice.map((index) => ({ path: `${at}edges[${index}]`, message: 'the same edge is there already' })),
  ];
}

function cycleErrors({ graph, at }: Part): FieldError[] {
  const stuck = new Set(topologicalOrder(graph).cyclic);
  if (stuck.size === 0) return [];
  // Ordered backwards, what only comes after a cycle falls away.
  const nodes = graph.nodes.filter((node) => stuck.has(node.id));
  const backwards = graph.edges.flatMap(({ from, to }) =>
    stuck.has(from) && stuck.has(to) ? [{ from: to, to: from }] : [],
  );
  const { cyclic } = topologicalOrder({ nodes, edges: backwards });
  const shown = `${cyclic.slice(0, 10).join(', ')}${cyclic.length > 10 ? ', …' : ''}`;
  return [{ path: `${at}edges`, message: `these nodes wait for each other in a cycle: ${shown}` }];
}

function settingErrors(node: Node, type: NodeType): { path: string; message: string }[] {
  const errors: { path: string; message: string }[] = [];
  const ports = portsOf(type, node);
  if (node.onError === 'continue' && !ports.includes('out')) {
    errors.push({
      path: 'onError',
      message: `has no port that a failure could go on by; use branch (node ${node.id})`,
    });
  }
  if (node.pin && !ports.includes(node.pin.port ?? 'out')) {
    errors.push({ path: 'pin.port', message: `must be one of the ports ${ports.join(', ')} (node ${node.id})` });
  }
  if (node.credentialId !== undefined && !type.credential) {
    errors.push({ path: 'credentialId', message: `is not used by ${node.type}; remove it (node ${node.id})` });
  }
  if (node.heartbeatTimeoutMs !== undefined && !type.heartbeats) {
    const instead = type.loop ? 'set it on nodes of its body' : 'use timeoutMs';
    errors.push({
      path: 'heartbeatTimeoutMs',
      message: `is not possible, as ${node.type} gives no signs of life; ${instead} (node ${node.id})`,
    });
  }
  for (const field of ['retry', 'timeoutMs'] as const) {
    if (type.loop && node[field] !== undefined)
      errors.push({
        path: field,
        message: `is not possible for a loop; set it on nodes of its body (node ${node.id})`,
      });
  }
  return errors;
}

/** @param named is given the node ids that each node's params name, by the node's place. */
function nodeErrors({ graph, at, depth }: Part, types: NodeTypes, named: NamedNodes): FieldError[] {
  return graph.nodes.flatMap((node, index) => {
    const path = `${at}nodes[${index}]`;
    const type = types.get(node.type);
    if (!type) {
      const message = `${node.type} (node ${node.id}) is not a node type; there are ${[...types.keys()].join(', ')}`;
      return [{ path: `${path}.type`, message }];
    }
    if (type.loop && depth >= limits.depth) {
      return [{ path: `${path}.type`, message: `loops may be ${limits.depth} deep (node ${node.id})` }];
    }
    const templated = Object.fromEntries(Object.entries(node.params).filter(([key]) => holdsTemplates(type, key)));
    const { errors: mistakes, nodeIds } = readTemplate(templated);
    named.set(path, nodeIds);
    const syntax = mistakes.map(({ path: within, message }) => ({ path: within, message }));
    const all = [...syntax, ...paramErrors(type, node.params), ...type.check(node.params)];
    return [
      ...all.map((error) => ({
        path: `${path}.${writePath(['params', ...error.path])}`,
        message: `${error.message} (node ${node.id})`,
      })),
      ...settingErrors(node, type).map((error) => ({ ...error, path: `${path}.${error.path}` })),
    ];
  });
}

function outputErrors({ graph, at }: Part): FieldError[] {
  if (graph.output === undefined) return [];
  return templateErrors(graph.output).map(({ path, message }) => ({
    path: at + writePath(['output', ...path]),
    message,
  }));
}

/**
 * What is wrong with a definition, naming node and field; empty when it can run. The shape has been checked by the contract's
 * schema before.
 */
export function definitionErrors(definition: Definition, types: NodeTypes): FieldError[] {
  const parts = partsOf({ graph: definition, at: '', depth: 0 }, types);
  const edges = parts.flatMap((part) => edgeErrors(part, types));
  const structure = [...sizeErrors(parts), ...duplicateNodeErrors(parts), ...edges];
  // The order of a graph with dangling edges says nothing about cycles.
  const graph = structure.length > 0 ? structure : parts.flatMap(cycleErrors);
  const named: NamedNodes = new Map();
  const values = [
    ...parts.flatMap((part) => [...nodeErrors(part, types, named), ...outputErrors(part)]),
    ...concurrencyErrors(definition.concurrency),
    ...triggerErrors(definition.triggers),
  ];
  const references = graph.length + values.length > 0 ? [] : referenceErrors(definition, types, { named });
  return [...graph, ...values, ...references].slice(0, most);
}
