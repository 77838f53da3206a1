import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { initTRPC, TRPCError } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import superjson from 'superjson';
import { z } from 'zod';

const t = initTRPC.create({
  transformer: superjson,
  errorFormatter({ shape, error }) {
    const { httpStatus: status } = shape.data;
    const errors = error.cause instanceof z.ZodError ? [{ path: 'id', message: 'must be a UUID' }] : undefined;
    const code = errors ? 'invalid_input' : error.code.toLowerCase();
    const problem = { type: 'about:blank', title: code, status, detail: error.message, code, requestId: 'r-1', errors };
    return { ...shape, data: { ...shape.data, problem } };
  },
});

const id = z.strictObject({ id: z.guid() });
const { procedure } = t;

/** Procedures at paths of the API that answer with what they received. */
const router = t.router({
  auth: {
    me: procedure.input(z.void()).query(() => ({ user: { createdAt: new Date(0) } })),
    apiKeys: {
      create: procedure
        .input(z.strictObject({ name: z.string(), expiresAt: z.date() }))
        .mutation(({ input }) => ({ ...input, createdAt: new Date(1_700_000_000_123) })),
    },
  },
  workflows: {
    list: procedure
      .input(z.strictObject({ limit: z.int().default(20) }))
      .query(({ input }) => ({ items: [], nextCursor: `${input.limit}` })),
    get: procedure.input(id).query(({ input }) => {
      if (input.id.startsWith('0')) throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such workflow.' });
      return { id: input.id };
    }),
    execute: procedure.input(id.extend({ wait: z.int() })).mutation(async ({ input, signal }) => {
      await new Promise((resolve) => {
        signal?.addEventListener('abort', resolve);
        setTimeout(resolve, input.wait * 1_000);
      });
      return { id: input.id, output: signal?.aborted ?? null };
    }),
  },
});

/** A request as the server saw it; `closed` settles when its connection or its answer has ended. */
export type Seen = { method: string; path: string; headers: IncomingHttpHeaders; closed: Promise<void> };

/** Serves a listener on a free port, and keeps what was asked of it. */
export async function serve(listener: RequestListener) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    const { method = '', url = '', headers } = request;
    seen.push({ method, path: url.split('?')[0] ?? '', headers, closed });
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A tRPC server with the conventions of the API: superjson, and problem details in `data.problem`. */
export function serveApi() {
  return serve(createHTTPHandler({ router, basePath: '/trpc/' }));
}
