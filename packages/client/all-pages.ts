import type { CallOptions } from './call-options.ts';

type Page = { items: unknown[]; nextCursor: string | null };
type GetPage = (input: object, options: CallOptions) => Promise<unknown>;

/** The most items that the API puts on a page, so that there are as few requests as can be. */
const pageSize = 100;

function isPage(value: unknown): value is Page {
  if (typeof value !== 'object' || value === null || !('items' in value && 'nextCursor' in value)) return false;
  return Array.isArray(value.items) && (value.nextCursor === null || typeof value.nextCursor === 'string');
}

async function* itemsOf(getPage: GetPage, input: object, options: CallOptions) {
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const page: unknown = await getPage({ limit: pageSize, ...input, ...(cursor && { cursor }) }, options);
    if (!isPage(page)) throw new TypeError('The answer is not a page of a list.');
    yield* page.items;
    cursor = page.nextCursor;
  }
}

/** Every item of a list, page by page: a page is asked for when the items before it were taken. */
export function allPages(getPage: GetPage, input: object = {}, options: CallOptions = {}): AsyncIterable<unknown> {
  return { [Symbol.asyncIterator]: () => itemsOf(getPage, input, options) };
}
