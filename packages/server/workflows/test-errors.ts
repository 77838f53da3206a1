import type { Definition, Node } from '@flowplane/contract/definition';
import type { FieldError } from '@flowplane/contract/errors';
import type { workflowTestInput } from '@flowplane/contract/workflow-test';
import { nodesWithin } from '@flowplane/engine/graph/nodes-within';
import { portsOf } from '@flowplane/engine/graph/ports';
import type { NodeTypes } from '@flowplane/engine/node-type';
import type { z } from 'zod';

type Test = Pick<z.output<typeof workflowTestInput>, 'until' | 'only' | 'pins'>;

function targetError(definition: Definition, id: string, types: NodeTypes): string | undefined {
  if (definition.nodes.some((node) => node.id === id)) return undefined;
  const loop = definition.nodes.find((node) => nodesWithin({ nodes: [node] }, types).some((inner) => inner.id === id));
  return loop ? `${id} is in the loop ${loop.id}, which runs as a whole: name ${loop.id}` : `there is no node ${id}`;
}

function pinError(
  nodes: Map<string, Node>,
  { id, port }: { id: string; port: string | undefined },
  types: NodeTypes,
): FieldError[] {
  const node = nodes.get(id);
  if (!node) return [{ path: `pins.${id}`, message: `there is no node ${id}` }];
  const type = types.get(node.type);
  const ports = type ? portsOf(type, node) : [];
  if (ports.includes(port ?? 'out')) return [];
  return [{ path: `pins.${id}.port`, message: `must be one of the ports ${ports.join(', ')}` }];
}

/** What of a test does not fit the definition that it is of. */
export function testErrors(definition: Definition, { until, only, pins }: Test, types: NodeTypes): FieldError[] {
  if (until !== undefined && only !== undefined) {
    return [{ path: 'only', message: 'say either `until` or `only`, not both' }];
  }
  const targets = Object.entries({ until, only }).flatMap(([path, id]) => {
    const message = id === undefined ? undefined : targetError(definition, id, types);
    return message === undefined ? [] : [{ path, message }];
  });
  const nodes = new Map(nodesWithin(definition, types).map((node) => [node.id, node]));
  return [...targets, ...Object.entries(pins).flatMap(([id, { port }]) => pinError(nodes, { id, port }, types))];
}
