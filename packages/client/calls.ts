import { allPages } from './all-pages.ts';
import type { MutationOptions } from './call-options.ts';
import type { Stream } from './follow-events.ts';
import type { StreamOptions } from './stream-options.ts';

/** How a query or mutation is called. */
export type Call = {
  kind: 'query' | 'mutation';
  /** Whether the procedure takes an object; `{}` is sent where the caller leaves it out. */
  input: boolean;
  /** Whether it honours `Idempotency-Key`. */
  keyed?: true;
  /** Whether it answers with a page of a list. */
  pages?: true;
  /** What it answers with besides the usual codes. */
  errors?: readonly string[];
};

/** How a subscription is followed. */
export type Subscription = {
  kind: 'subscription';
  input: boolean;
  /** The event that ends it; without one it goes on until its reader leaves. */
  last?: string;
  errors?: readonly string[];
};

export type Procedure = Call | Subscription;

/** What a caller gave a call. */
export type CallArguments = { input: unknown; options: MutationOptions };

type Method = ((input?: unknown, options?: MutationOptions) => Promise<unknown>) & {
  all?: (input?: object, options?: MutationOptions) => AsyncIterable<unknown>;
};
type Events = (input?: object, options?: StreamOptions) => AsyncIterable<unknown>;
type Branch = { [name: string]: Branch | Method | Events };

/** How calls are made and streams are followed. */
type Ways = {
  call: (path: string, procedure: Call, args: CallArguments) => Promise<unknown>;
  follow: (stream: Stream, options: StreamOptions) => AsyncIterable<unknown>;
};

function place(branch: Branch, [name = '', ...rest]: string[], method: Method | Events): void {
  if (rest.length === 0) {
    branch[name] = method;
    return;
  }
  const known = branch[name];
  const next = typeof known === 'object' ? known : {};
  branch[name] = next;
  place(next, rest, method);
}

function methodOf(path: string, procedure: Procedure, { call, follow }: Ways): Method | Events {
  if (procedure.kind === 'subscription') {
    return (input = {}, options = {}) => follow({ path, input, last: procedure.last }, options);
  }
  const method: Method = (input, options = {}) =>
    call(path, procedure, { input: input === undefined && procedure.input ? {} : input, options });
  if (procedure.pages) method.all = (input, options) => allPages(method, input, options);
  return method;
}

/** The methods of a client, nested by their paths: `auth.apiKeys.create` is at `calls.auth.apiKeys.create`. */
export function callsOf(procedures: Record<string, Procedure>, ways: Ways): Branch {
  const root: Branch = {};
  for (const [path, procedure] of Object.entries(procedures)) {
    place(root, path.split('.'), methodOf(path, procedure, ways));
  }
  return root;
}
