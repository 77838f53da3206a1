import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);

test('every promise of docs/durability.md names tests that exist', () => {
  const rows = readFileSync(new URL('docs/durability.md', root), 'utf8')
    .split('\n')
    .filter((line) => /^\| (?!Promise|-)/.test(line));
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    const named = [...row.matchAll(/`((?:packages|apps)\/[^`]+\.test\.ts)`/g)].map(([, path = '']) => path);
    expect(named, row).not.toEqual([]);
    for (const path of named) expect(globSync(path, { cwd: root }), path).not.toEqual([]);
  }
});
