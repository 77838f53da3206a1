import { z } from 'zod';
import { limits } from './limits.ts';

/** What every list takes: keyset cursors only, newest first. */
export const pageInput = z.strictObject({
  limit: z.int().min(1).max(limits.page).default(20).describe('Items on the page'),
  cursor: z
    .base64url({ error: 'must be a cursor that an earlier page gave as nextCursor' })
    .length(22, { error: 'must be a cursor that an earlier page gave as nextCursor' })
    .optional()
    .describe('nextCursor of the page before'),
});

/** What every list answers: `nextCursor` is null on the last page. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    nextCursor: z
      .string()
      .nullable()
      .meta({ description: 'null on the last page', examples: [null] }),
  });
}

/** The cursor that continues after the row with this id. */
export function cursorOf(rowId: string): string {
  return Buffer.from(rowId.replaceAll('-', ''), 'hex').toString('base64url');
}

/** The id of the row after which a cursor continues. */
export function idOfCursor(cursor: string): string {
  const hex = Buffer.from(cursor, 'base64url').toString('hex').padEnd(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
