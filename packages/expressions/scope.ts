import type { Json } from './json.ts';

/** What an expression or a code body can see. `item` and `index` exist only inside a loop, `event` only where events are matched. */
export type Scope = {
  input: Json;
  nodes: { readonly [id: string]: Json | undefined };
  vars: { [k: string]: Json };
  run: { [k: string]: Json };
  item?: Json;
  index?: number;
  event?: Json;
};

/** The names bound in every code body, in the order in which the sandbox passes them. */
export const CODE_NAMES = ['input', 'nodes', 'item', 'index', 'vars', 'run'] as const;

/** The names bound in every expression. A code body may have an `event` of its own. */
export const SCOPE_NAMES = [...CODE_NAMES, 'event'] as const;

export type ScopeName = (typeof SCOPE_NAMES)[number];

export function isScopeName(name: string): name is ScopeName {
  return (SCOPE_NAMES as readonly string[]).includes(name);
}
