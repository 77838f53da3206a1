import type { Json } from './json.ts';
import type { Names } from './names.ts';
import type { Scope } from './scope.ts';

/** The part of the scope that the given names can reach; the rest need not be copied to the sandbox. */
export function narrowScope(scope: Scope, names: readonly Names[]): Scope {
  const uses = (root: keyof Scope) => names.some((name) => name.roots.has(root));
  const narrow: Scope = {
    input: uses('input') ? scope.input : null,
    nodes: names.some((name) => name.allNodes) ? scope.nodes : namedNodes(scope, names),
    vars: uses('vars') ? scope.vars : {},
    run: uses('run') ? scope.run : {},
  };
  if (scope.item !== undefined && uses('item')) narrow.item = scope.item;
  if (scope.index !== undefined && uses('index')) narrow.index = scope.index;
  if (scope.event !== undefined && uses('event')) narrow.event = scope.event;
  return narrow;
}

function namedNodes(scope: Scope, names: readonly Names[]): Scope['nodes'] {
  const ids = new Set(names.flatMap((name) => [...name.nodeIds]));
  const found: [string, Json][] = [];
  for (const id of ids) {
    const value = Object.hasOwn(scope.nodes, id) ? scope.nodes[id] : undefined;
    if (value !== undefined) found.push([id, value]);
  }
  return Object.fromEntries(found);
}
