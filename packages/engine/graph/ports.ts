import type { Node } from '@flowplane/contract/definition';
import type { NodeType } from '../node-type.ts';

/** The output ports that a node has: its type's, and `error` where its failures take one. */
export function portsOf(type: NodeType, { params, onError }: Pick<Node, 'params' | 'onError'>): string[] {
  return [...type.ports(params), ...(onError === 'branch' ? ['error'] : [])];
}
