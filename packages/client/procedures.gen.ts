// Written by `pnpm --filter @flowplane/client generate` from the API's router.
import type { Procedure } from './calls.ts';

export const procedures = {
  'auth.register': { kind: 'mutation', input: true },
  'auth.login': { kind: 'mutation', input: true },
  'auth.refresh': { kind: 'mutation', input: true },
  'auth.logout': { kind: 'mutation', input: false },
  'auth.me': { kind: 'query', input: false },
  'auth.apiKeys.create': { kind: 'mutation', input: true, keyed: true },
  'auth.apiKeys.list': { kind: 'query', input: true, pages: true },
  'auth.apiKeys.revoke': { kind: 'mutation', input: true, keyed: true },
  'workflows.list': { kind: 'query', input: true, pages: true },
  'workflows.create': { kind: 'mutation', input: true, keyed: true },
  'workflows.get': { kind: 'query', input: true },
  'workflows.update': { kind: 'mutation', input: true, keyed: true },
  'workflows.replace': { kind: 'mutation', input: true, keyed: true },
  'workflows.delete': { kind: 'mutation', input: true, keyed: true },
  'workflows.publish': { kind: 'mutation', input: true, keyed: true },
  'workflows.execute': { kind: 'mutation', input: true, keyed: true },
  'executions.list': { kind: 'query', input: true, pages: true },
  'executions.get': { kind: 'query', input: true },
  'executions.cancel': { kind: 'mutation', input: true, keyed: true },
  'executions.steps': { kind: 'query', input: true, pages: true },
  'executions.logs': { kind: 'query', input: true, pages: true },
} as const satisfies Record<string, Procedure>;
