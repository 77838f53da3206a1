import type { RouterProcedure } from './router-procedures.ts';

type Branch = { [name: string]: Branch | string };

function at(path: string): string {
  return path
    .split('.')
    .map((name) => `['${name}']`)
    .join('');
}

function typeOf(path: string, { kind, ...procedure }: RouterProcedure): string {
  const output = path === 'workflows.execute' ? 'ExecutionHandle' : `Outputs${at(path)}`;
  if (kind === 'mutation') return `MutationProcedure<Inputs${at(path)}, ${output}>`;
  const paged = 'pages' in procedure && procedure.pages;
  return `${paged ? 'ListProcedure' : 'QueryProcedure'}<Inputs${at(path)}, ${output}>`;
}

function place(branch: Branch, [name = '', ...rest]: string[], text: string): void {
  if (rest.length === 0) {
    branch[name] = text;
    return;
  }
  const known = branch[name];
  const next = typeof known === 'object' ? known : {};
  branch[name] = next;
  place(next, rest, text);
}

function print(branch: Branch): string {
  const members = Object.entries(branch).map(
    ([name, inner]) => `${name}: ${typeof inner === 'string' ? inner : print(inner)};`,
  );
  return `{ pathKey(): PathKey; ${members.join('\n')} }`;
}

/** The declaration of `FlowplaneQueries`, written out by the router's procedures. */
export function queriesDeclaration(procedures: Map<string, RouterProcedure>): string {
  const root: Branch = {};
  for (const [path, procedure] of procedures) {
    if (procedure.kind === 'subscription') continue;
    place(root, path.split('.'), typeOf(path, procedure));
  }
  return `/** Every query and mutation of the API for TanStack Query, at the path that it has in the client. */
export type FlowplaneQueries = ${print(root)};`;
}
