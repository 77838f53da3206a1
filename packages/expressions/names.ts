import type { AnyNode, Expression } from 'acorn';
import { isScopeName, SCOPE_NAMES, type ScopeName } from './scope.ts';

/** Which parts of the scope a piece of code names. `allNodes`: it uses `nodes` in a way that may reach any of them. */
export type Names = { roots: Set<ScopeName>; nodeIds: Set<string>; allNodes: boolean };

/** Collects the names statically; whatever could name something at run time (`eval`, `nodes[x]`) widens the answer. */
export function namesIn(code: Expression): Names {
  const names: Names = { roots: new Set(), nodeIds: new Set(), allNodes: false };
  let shadowed = false;
  const pending: AnyNode[] = [code];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const id = nodeId(node);
    if (id !== undefined) {
      names.roots.add('nodes');
      names.nodeIds.add(id);
      continue;
    }
    if (node.type === 'Identifier') addIdentifier(names, node.name);
    if ('params' in node && node.params.some((param) => param.type === 'Identifier' && param.name === 'nodes')) {
      shadowed ||= node !== code;
    }
    // The parameters of the function around a code body are the scope itself, not uses of it.
    const isScopeFunction = node === code && node.type === 'ArrowFunctionExpression' && node.async;
    for (const [key, value] of Object.entries(node)) {
      if (isScopeFunction && key === 'params') continue;
      if (isPropertyName(node, key)) continue;
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) pending.push(child);
    }
  }
  // Where a parameter is called `nodes`, `nodes.x` names no node for certain.
  return shadowed ? { ...names, nodeIds: new Set(), allNodes: true } : names;
}

function addIdentifier(names: Names, name: string): void {
  if (isScopeName(name)) names.roots.add(name);
  if (name === 'nodes') names.allNodes = true;
  if (name !== 'eval') return;
  for (const root of SCOPE_NAMES) names.roots.add(root);
  names.allNodes = true;
}

/** The id in `nodes.id` or `nodes['id']`. */
function nodeId(node: AnyNode): string | undefined {
  if (node.type !== 'MemberExpression') return undefined;
  if (node.object.type !== 'Identifier' || node.object.name !== 'nodes') return undefined;
  if (!node.computed) return node.property.type === 'Identifier' ? node.property.name : undefined;
  return node.property.type === 'Literal' && typeof node.property.value === 'string' ? node.property.value : undefined;
}

function isPropertyName(node: AnyNode, key: string): boolean {
  if (node.type === 'MemberExpression') return key === 'property' && !node.computed;
  if (node.type === 'Property') return key === 'key' && !node.computed;
  return false;
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
