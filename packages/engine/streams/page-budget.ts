/** Rows of one page of a stream. */
export const pageRows = 100;
/** Bytes of values after which a page ends: it is what a reader who does not go on reading costs. */
const pageBytes = 65_536;

/**
 * A statement's first rows whose values together are not too large, and at least one. What the values take up on disk is
 * known without reading them, so that no more than a page of them is read in vain.
 *
 * @param rows a `select` with columns `columns` of JSON, whose order is `by`.
 * @param most bytes of values after which no further row is taken; a page of a stream's when absent.
 */
export function withinBudget(
  rows: string,
  { columns, by, most = pageBytes }: { columns: string[]; by: string; most?: number },
): string {
  const before = `over (order by ${by} rows between unbounded preceding and 1 preceding)`;
  const stored = columns.map((column) => `coalesce(pg_column_size(${column}), 0)`).join(' + ');
  const bytes = columns.map((column) => `coalesce(octet_length(${column}::text), 0)`).join(' + ');
  return `
    select * from (
      select *, sum(${bytes}) ${before} as bytes_before from (
        select * from (select *, sum(${stored}) ${before} as stored_before from (${rows}) page) measured
        where coalesce(stored_before, 0) < ${most}
      ) small
    ) fitting where coalesce(bytes_before, 0) < ${most}`;
}
