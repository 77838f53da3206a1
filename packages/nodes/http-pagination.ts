import { z } from 'zod';
import { path } from './path.ts';

const items = path.optional().meta({
  title: 'Items',
  description: 'The path of the list in each body; the body itself when absent',
  examples: ['data.orders'],
});
const maxPages = z.int().min(1).max(100).default(10).meta({
  title: 'Most pages',
  description: 'Where reading ends although there are more; `complete` is then false',
});
const allowHosts = z
  .array(z.string().min(1).max(255))
  .max(20)
  .default([])
  .meta({
    title: 'Allowed hosts',
    description: 'Hosts besides the first page’s that a next page may be on; they get the same headers',
    examples: [['pages.example.com']],
  });
const parameter = (name: string) =>
  z.string().min(1).max(200).default(name).meta({ title: 'Parameter', description: 'The parameter of the query' });
const pageSize = z.int().min(1).max(10_000).optional().meta({
  title: 'Page size',
  description: 'A page with fewer items is the last; when absent, one without any',
});

/** How `http.request` gets from page to page. */
export const pagination = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('link').meta({ title: 'Mode', description: 'The next page’s URL is in the `Link` header' }),
    items,
    maxPages,
    allowHosts,
  }),
  z.strictObject({
    mode: z.literal('next').meta({ title: 'Mode', description: 'The next page’s URL is in the body' }),
    next: path.meta({
      title: 'Next',
      description: 'Its path; null or absent on the last page',
      examples: ['links.next'],
    }),
    items,
    maxPages,
    allowHosts,
  }),
  z.strictObject({
    mode: z.literal('page').meta({ title: 'Mode', description: 'Pages have numbers' }),
    parameter: parameter('page'),
    start: z.int().min(0).max(1_000_000).default(1).meta({ title: 'Start', description: 'The first page’s number' }),
    pageSize,
    items,
    maxPages,
  }),
  z.strictObject({
    mode: z.literal('offset').meta({ title: 'Mode', description: 'A page begins after a number of items' }),
    parameter: parameter('offset'),
    start: z.int().min(0).max(1_000_000).default(0).meta({ title: 'Start', description: 'The first page’s offset' }),
    pageSize,
    items,
    maxPages,
  }),
  z.strictObject({
    mode: z.literal('cursor').meta({ title: 'Mode', description: 'The body has a cursor for the next page' }),
    cursor: path.meta({
      title: 'Cursor',
      description: 'Its path; null, empty or absent on the last page',
      examples: ['nextCursor'],
    }),
    parameter: parameter('cursor'),
    items,
    maxPages,
  }),
]);

export type Pagination = z.output<typeof pagination>;
