import { allPages } from './all-pages.ts';
import type { MutationOptions } from './call-options.ts';

/** How a procedure is called. */
export type Procedure = {
  kind: 'query' | 'mutation';
  /** Whether the procedure takes an object; `{}` is sent where the caller leaves it out. */
  input: boolean;
  /** Whether it honours `Idempotency-Key`. */
  keyed?: true;
  /** Whether it answers with a page of a list. */
  pages?: true;
};

type Method = ((input?: unknown, options?: MutationOptions) => Promise<unknown>) & {
  all?: (input?: object, options?: MutationOptions) => AsyncIterable<unknown>;
};
type Branch = { [name: string]: Branch | Method };

function place(branch: Branch, [name = '', ...rest]: string[], method: Method): void {
  if (rest.length === 0) {
    branch[name] = method;
    return;
  }
  const known = branch[name];
  const next = typeof known === 'object' ? known : {};
  branch[name] = next;
  place(next, rest, method);
}

/** The methods of a client, nested by their paths: `auth.apiKeys.create` is at `calls.auth.apiKeys.create`. */
export function callsOf(
  procedures: Record<string, Procedure>,
  call: (path: string, procedure: Procedure, args: { input: unknown; options: MutationOptions }) => Promise<unknown>,
): Branch {
  const root: Branch = {};
  for (const [path, procedure] of Object.entries(procedures)) {
    const method: Method = (input, options = {}) =>
      call(path, procedure, { input: input === undefined && procedure.input ? {} : input, options });
    if (procedure.pages) method.all = (input, options) => allPages(method, input, options);
    place(root, path.split('.'), method);
  }
  return root;
}
