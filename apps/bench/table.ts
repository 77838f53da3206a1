import type { Row } from './row.ts';

const columns = ['work', 'ours', 'comparedWith', 'ratio', 'target', 'verdict'] as const;

const titles: Row = {
  work: 'work',
  ours: 'ours',
  comparedWith: 'compared with',
  ratio: 'ratio (lowest–highest)',
  target: 'target',
  verdict: '',
};

/** The rows as text, in columns. */
export function tableOf(rows: Row[]): string {
  const all = [titles, ...rows];
  const widths = columns.map((column) => Math.max(...all.map((row) => row[column].length)));
  const lines = all.map((row) => columns.map((column, index) => row[column].padEnd(widths[index] ?? 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}
