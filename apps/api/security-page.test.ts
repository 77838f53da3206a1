import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './config.ts';

const rows = readFileSync(join(root, 'docs/security.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| (?!No\.|Promise|-)/.test(line));

/** The tests that a row names. */
function testsOf(row: string): string[] {
  const named = [...row.matchAll(/`((?:packages|apps)\/[^`]+\.test\.ts)`/g)];
  return named.flatMap(([, path = '']) => {
    const found = globSync(path, { cwd: root });
    expect(found, `${path} in ${row}`).not.toEqual([]);
    return found;
  });
}

test('every promise of docs/security.md names tests that exist', () => {
  expect(rows.length).toBeGreaterThan(40);
  for (const row of rows) expect(testsOf(row), row).not.toEqual([]);
});

test('every numbered promise has tests that carry its number, in each file that it names', () => {
  const numbered = rows.flatMap((row) => {
    const number = /^\| (\d+) /.exec(row)?.[1];
    return number === undefined ? [] : [{ number, row }];
  });
  expect(numbered.map(({ number }) => Number(number))).toEqual(
    Array.from({ length: 36 }, (_, i) => i + 1).filter((number) => number !== 22 && number !== 23),
  );
  for (const { number, row } of numbered) {
    const carries = new RegExp(`threats? (?:\\d+(?:, | and ))*${number}\\b`);
    for (const path of testsOf(row))
      expect(readFileSync(join(root, path), 'utf8'), `${path}: ${number}`).toMatch(carries);
  }
});
