import { isPermission } from '@flowplane/contract/permissions';
import { operationsOf } from '@flowplane/rest/operations';
import { expect, test } from 'vitest';
import { appRouter } from './api.ts';

const operations = operationsOf(appRouter);
/** What nobody need sign in for: each was weighed. */
const open = [
  'auth.register',
  'auth.login',
  'auth.refresh',
  'auth.logout',
  'auth.email.verify',
  'auth.password.forgot',
  'auth.password.reset',
  'auth.guests.create',
  'auth.github.login',
  'auth.oidc.login',
  'auth.providers',
  'invitations.preview',
];

test('every procedure declares its route, its output and who may call it', () => {
  expect(operations.length).toBeGreaterThan(15);
  for (const { procedure, meta, output } of operations) {
    const { openapi } = meta;
    expect(openapi?.path, procedure).toMatch(/^(\/[a-z0-9-]+|\/\{[a-zA-Z]+\})+$/);
    expect(openapi?.tags, procedure).toHaveLength(1);
    expect(openapi?.summary, procedure).toMatch(/^[A-Z].{5,}[^.]$/);
    expect(output, `${procedure} has no output schema`).toBeDefined();
    expect(meta.permission === 'public' || isPermission(meta.permission ?? ''), `${procedure}: permission`).toBe(true);
  }
});

test('only what was weighed is open to everybody', () => {
  expect(operations.filter(({ meta }) => meta.permission === 'public').map(({ procedure }) => procedure)).toEqual(open);
});

test('what only reads has a reading permission and GET, what changes something has neither', () => {
  for (const { procedure, type, meta } of operations) {
    const reads = type !== 'mutation';
    expect(meta.openapi?.method === 'GET', procedure).toBe(reads);
    if (meta.permission !== 'public') expect(meta.permission?.endsWith(':read'), procedure).toBe(reads);
  }
});

test('no two procedures answer on the same route, aliases included', () => {
  const routes = operations.flatMap(({ meta: { openapi } }) =>
    openapi
      ? [openapi.path, ...(openapi.aliases ?? [])].map((path) => `${openapi.method} ${path.replace(/\{.*?\}/g, '{}')}`)
      : [],
  );
  expect(new Set(routes).size).toBe(routes.length);
});
