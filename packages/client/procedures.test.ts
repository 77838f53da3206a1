import { readFileSync } from 'node:fs';
import { api } from '@flowplane/server/api';
import { expect, test } from 'vitest';
import { proceduresSource } from './build/procedures-source.ts';
import { routerProcedures } from './build/router-procedures.ts';
import { createClient } from './client.ts';

test('procedures.gen.ts is what `pnpm --filter @flowplane/client generate` would write now', () => {
  const written = readFileSync(new URL('./procedures.gen.ts', import.meta.url), 'utf8');
  expect(written).toBe(proceduresSource(api));
});

test('every query and mutation of the API is a method of the client', () => {
  const client: object = createClient({ url: 'http://localhost' });
  const paths = [...routerProcedures(api).keys()];
  expect(paths).toContain('auth.apiKeys.create');
  for (const path of paths) {
    const method = path
      .split('.')
      .reduce<unknown>((at, name) => Object.entries(at ?? {}).find(([key]) => key === name)?.[1], client);
    expect(method, path).toBeTypeOf('function');
  }
});
