import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import type { GuardedResponse } from '@flowplane/egress/guarded-fetch';
import { NodeError } from '@flowplane/engine/node-error';
import { bodyOf } from './http-answer.ts';
import type { Pagination } from './http-pagination.ts';
import { checkCount } from './items.ts';
import { nextLink } from './link-header.ts';
import { readPath } from './path.ts';

type Page = { number: number; answer: GuardedResponse; body: Json; items: Json[]; itemsSoFar: number };

function itemsOf(body: Json, pagination: Pagination, page: { number: number; status: number }): Json[] {
  // An empty answer, such as 204, is a page without items.
  if (body === null || body === '') return [];
  const found = pagination.items === undefined ? body : readPath(body, pagination.items);
  if (Array.isArray(found)) return found;
  const where =
    pagination.items === undefined
      ? 'is no list; name its path in pagination.items'
      : `has no list at ${pagination.items}`;
  throw new NodeError('invalid_response', `Page ${page.number} (status ${page.status}) ${where}`);
}

function withParameter(url: URL, name: string, value: string | number): string {
  const changed = new URL(url);
  changed.searchParams.set(name, String(value));
  return changed.href;
}

/** A link that the server gave, if it leads where the request's headers may go. */
function followed(link: string, first: URL, { page, allowHosts }: { page: Page; allowHosts: string[] }): string {
  const url = URL.parse(link, page.answer.url);
  if (!url) throw new NodeError('invalid_response', `Page ${page.number} links to a next page, but not with a URL`);
  if (url.origin === first.origin || allowHosts.includes(url.host)) return url.href;
  const message = `Page ${page.number} links to a next page at ${url.origin.slice(0, 300)}, and the first one is at ${first.origin}; if it may get the same headers, add ${url.host.slice(0, 255)} to pagination.allowHosts`;
  throw new NodeError('foreign_next_page', message);
}

/** A link or cursor in a body; undefined on the last page. */
function pointer(body: Json, at: string, page: number): string | undefined {
  const value = readPath(body, at);
  if (value === null || value === '' || value === false) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new NodeError('invalid_response', `Page ${page} has at ${at} what leads to no next page`);
}

function nextUrl(pagination: Pagination, first: URL, page: Page): string | undefined {
  switch (pagination.mode) {
    case 'link': {
      const link = nextLink(page.answer.headers.link ?? '');
      return link === undefined ? undefined : followed(link, first, { page, allowHosts: pagination.allowHosts });
    }
    case 'next': {
      const link = pointer(page.body, pagination.next, page.number);
      return link === undefined ? undefined : followed(link, first, { page, allowHosts: pagination.allowHosts });
    }
    case 'cursor': {
      const cursor = pointer(page.body, pagination.cursor, page.number);
      return cursor === undefined ? undefined : withParameter(first, pagination.parameter, cursor);
    }
    default: {
      if (page.items.length < (pagination.pageSize ?? 1)) return undefined;
      const step = pagination.mode === 'page' ? page.number : page.itemsSoFar;
      return withParameter(first, pagination.parameter, pagination.start + step);
    }
  }
}

/**
 * Reads page after page and puts their items together. Status and headers are the last page's.
 *
 * @throws NodeError `too_many_items` and `value_too_large` past the bounds of a list and a result, `invalid_response` when a page
 * has no list, `foreign_next_page` when a link leads to another host, `pagination_loop` when one leads back.
 */
export async function readPages(
  pagination: Pagination,
  first: URL,
  {
    send,
    onPage,
  }: {
    send: (url: string, page: number) => Promise<GuardedResponse>;
    onPage: (soFar: { pages: number; items: number }) => void;
  },
): Promise<{ answer: GuardedResponse; items: Json[]; pages: number; complete: boolean }> {
  const all: Json[] = [];
  const seen = new Set<string>();
  let chars = 0;
  let url = 'start' in pagination ? withParameter(first, pagination.parameter, pagination.start) : first.href;
  for (let number = 1; ; number += 1) {
    seen.add(url);
    const answer = await send(url, number);
    const body = bodyOf(answer, 'auto');
    const items = itemsOf(body, pagination, { number, status: answer.status });
    checkCount(all.length + items.length, 'The list of all pages');
    chars += JSON.stringify(items).length;
    if (chars > limits.valueBytes) {
      const message = `The items of ${number} pages are more than ${limits.valueBytes} bytes of JSON; read fewer pages`;
      throw new NodeError('value_too_large', message);
    }
    for (const item of items) all.push(item);
    onPage({ pages: number, items: all.length });
    const next = nextUrl(pagination, first, { number, answer, body, items, itemsSoFar: all.length });
    if (next === undefined || number === pagination.maxPages) {
      return { answer, items: all, pages: number, complete: next === undefined };
    }
    if (seen.has(next)) throw new NodeError('pagination_loop', `Page ${number} leads to a page that was read already`);
    url = next;
  }
}
