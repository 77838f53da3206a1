import { readFileSync } from 'node:fs';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { expect, test } from 'vitest';
import { nodesPage } from './docs.ts';
import { builtinNodes } from './index.ts';
import { paramRows } from './param-rows.ts';

const types = builtinNodes({ sandbox: createSandbox(), fetch: createGuardedFetch({ allowPrivate: [] }).fetch });

test('docs/nodes.md is up to date', () => {
  const page = readFileSync(new URL('../../docs/nodes.md', import.meta.url), 'utf8');
  expect(page, 'run "pnpm --filter @flowplane/nodes run docs" to write it anew').toBe(nodesPage(types));
});

test.each([...types.values()].map((type) => [type.type, type] as const))(
  '%s says what each of its params is',
  (_, type) => {
    const rows = paramRows(type);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row.title, row.name).not.toBe('');
      expect(row.description, row.name).not.toBe('');
    }
  },
);
