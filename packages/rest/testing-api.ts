import { initTRPC, TRPCError } from '@trpc/server';
import type { FastifyRequest } from 'fastify';
import superjson from 'superjson';
import { z } from 'zod';
import type { RestMeta } from './meta.ts';
import type { Problem } from './problem.ts';
import type { ResponseHints } from './response-hints.ts';
import { RestError } from './rest-error.ts';

/** The context of the API that the tests serve. */
export type TestContext = { caller: string | undefined; response: ResponseHints };

const t = initTRPC.context<TestContext>().meta<RestMeta>().create({ transformer: superjson });

const open = t.procedure.meta({ permission: 'public' });
const signedIn = t.procedure.use(({ ctx, next }) => {
  if (!ctx.caller) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Sign in.' });
  return next({ ctx: { caller: ctx.caller } });
});

const tags = ['Notes'];
const note = z
  .object({
    id: z.string(),
    title: z.string().meta({ examples: ['Buy milk'] }),
    createdAt: z.date(),
    readAt: z.date().nullable(),
  })
  .meta({ id: 'Note' });
const createdAt = new Date('2026-01-02T03:04:05.678Z');
const one = (id: string, title = 'A note') => ({ id, title, createdAt, readAt: null });

type Tree = { name: string; children: Tree[] };
const tree: z.ZodType<Tree> = z
  .object({
    name: z.string(),
    get children() {
      return z.array(tree);
    },
  })
  .meta({ id: 'Tree' });

/** Shared between procedures, as contracts do: no call may change it. */
export const filter = z.object({
  enabled: z.boolean().optional(),
  limit: z.number().int().min(1).max(100).default(20),
  since: z.date().optional(),
  ids: z.array(z.number()).optional(),
  mode: z.union([z.literal('all'), z.number()]).optional(),
  where: z.object({ name: z.string(), before: z.date().optional() }).optional(),
});

const echo = z.object({ input: z.json() });

const notes = t.router({
  list: open
    .meta({ openapi: { method: 'GET', path: '/notes', tags, summary: 'List notes', aliases: ['/memos'] } })
    .input(filter)
    .output(echo)
    .query(({ input }) => ({ input: JSON.parse(JSON.stringify(input)) })),
  get: signedIn
    .meta({ openapi: { method: 'GET', path: '/notes/{id}', tags, summary: 'Read a note' }, permission: 'notes:read' })
    .input(z.object({ id: z.string().max(20) }))
    .output(note)
    .query(({ input }) => one(input.id)),
  stats: open
    .meta({ openapi: { method: 'GET', path: '/notes/stats', tags, summary: 'Count notes' } })
    .output(z.object({ count: z.number() }))
    .query(() => ({ count: 7 })),
  create: open
    .meta({ openapi: { method: 'POST', path: '/notes', tags, summary: 'Write a note' }, status: 201 })
    .input(
      z.object({
        title: z.string().min(1),
        due: z.date().optional(),
        when: z.union([z.string(), z.date()]).optional(),
      }),
    )
    .output(note.extend({ types: z.array(z.string()) }))
    .mutation(({ input }) => ({
      ...one('n 1', input.title),
      types: [input.due instanceof Date ? 'date' : typeof input.due, typeof input.when],
    })),
  update: open
    .meta({ openapi: { method: 'PATCH', path: '/notes/{id}', tags, summary: 'Change a note' } })
    .input(z.object({ id: z.coerce.number(), title: z.string().optional() }))
    .output(z.object({ id: z.number(), title: z.string() }))
    .mutation(({ input }) => ({ id: input.id, title: input.title ?? 'unchanged' })),
  remove: open
    .meta({ openapi: { method: 'DELETE', path: '/notes/{id}', tags, summary: 'Delete a note' } })
    .input(z.object({ id: z.string(), force: z.boolean().default(false) }))
    .output(z.void())
    .mutation(() => undefined),
  archive: open
    .meta({
      openapi: { method: 'POST', path: '/notes/archive', tags, summary: 'Archive all' },
      status: 202,
      otherStatus: 200,
      exampleFields: { 202: { job: 'j2' } },
      location: '/jobs/{job}',
    })
    .output(z.object({ job: z.string() }))
    .mutation(({ ctx }) => {
      ctx.response.headers['x-archived'] = '1';
      if (ctx.caller === 'quick') ctx.response.status = 200;
      return { job: 'j1' };
    }),
  addVersion: open
    .meta({ openapi: { method: 'POST', path: '/notes/{id}/versions', tags, summary: 'Add a version' }, status: 201 })
    .input(z.object({ id: z.string() }))
    .output(z.object({ id: z.number() }))
    .mutation(() => ({ id: 3 })),
  tree: open
    .meta({ openapi: { method: 'PUT', path: '/tree', tags, summary: 'Store a tree' } })
    .input(tree)
    .output(tree)
    .mutation(({ input }) => input),
  busy: open
    .meta({ openapi: { method: 'GET', path: '/busy', tags, summary: 'Always too busy' } })
    .output(z.object({}))
    .query(({ ctx }) => {
      ctx.response.headers['retry-after'] = '7';
      throw new TRPCError({ code: 'TOO_MANY_REQUESTS', message: 'Slow down.' });
    }),
  crash: open
    .meta({ openapi: { method: 'GET', path: '/crash', tags, summary: 'Always fails' } })
    .output(z.object({}))
    .query(() => {
      throw new Error('secret: relation "notes" does not exist');
    }),
  hidden: open.output(z.string()).query(() => 'only over tRPC'),
  watch: open.subscription(async function* () {
    yield 1;
  }),
});

const thing = z.object({ id: z.string(), revision: z.number().int() });
const thingAt = { path: '/things/{id}' as const, tags: ['Things'], summary: 'Of a versioned thing' };

const things = t.router({
  get: open
    .meta({ openapi: { method: 'GET', ...thingAt }, etag: 'revision' })
    .input(thing.pick({ id: true }))
    .output(thing)
    .query(({ input }) => ({ ...input, revision: 1 })),
  update: signedIn
    .meta({ openapi: { method: 'PATCH', ...thingAt }, etag: 'revision' })
    .input(thing)
    .output(thing)
    .mutation(({ input }) => input),
  remove: signedIn
    .meta({ openapi: { method: 'DELETE', ...thingAt }, etag: 'revision' })
    .input(thing)
    .output(z.void())
    .mutation(() => undefined),
});

/** A small API of the kind the package serves. */
export const testRouter = t.router({ notes, things });

/** Context of a request: the caller is whoever `x-caller` names. */
export function testContext(request: FastifyRequest): TestContext {
  const caller = request.headers['x-caller'];
  return { caller: typeof caller === 'string' ? caller : undefined, response: { headers: {} } };
}

/** Problem details as an application would make them. */
export function testProblem(error: unknown, requestId: string): Problem {
  const base = { type: 'about:blank', requestId };
  if (error instanceof RestError) {
    const { status, code, detail, errors } = error;
    return { ...base, title: code, status, detail, code, ...(errors ? { errors } : {}) };
  }
  const statuses: Record<string, number> = { UNAUTHORIZED: 401, TOO_MANY_REQUESTS: 429, BAD_REQUEST: 400 };
  const status = error instanceof TRPCError ? (statuses[error.code] ?? 500) : 500;
  const errors =
    error instanceof TRPCError && error.cause instanceof z.ZodError
      ? error.cause.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
      : undefined;
  return {
    ...base,
    title: 'Problem',
    status,
    detail: status === 500 ? 'Internal' : 'Refused',
    code: `e${status}`,
    ...(errors ? { errors } : {}),
  };
}
