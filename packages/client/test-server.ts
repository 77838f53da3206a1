import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { initTRPC, TRPCError, type TrackedEnvelope, tracked } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import superjson from 'superjson';
import { z } from 'zod';

type Context = {
  authorization: string | undefined;
  key: string | undefined;
  signIn: SignIn;
  looks: { left: number };
  plays: Play[];
  cut: () => void;
};

/** What a connection to a stream plays. `cut` breaks the connection. */
export type Play = (stage: {
  lastEventId: string | undefined;
  signal: AbortSignal | undefined;
  cut: () => void;
}) => AsyncIterable<TrackedEnvelope<{ event: string; data: unknown }>>;

/** An event of a stream. */
export function event(id: number, name: string, data: unknown = { n: id }) {
  return tracked(String(id), { event: name, data });
}

/** Plays what of five steps and the end comes after the last event. */
async function* fiveSteps({ lastEventId = '0' }: { lastEventId?: string | undefined }) {
  for (let n = Number(lastEventId) + 1; n <= 5; n++) yield event(n, 'step', { n, startedAt: new Date(n) });
  yield event(6, 'done', { status: 'completed' });
}

/** The one sign-in of a server: its tokens are `access-<turn>` and `refresh-<turn>`; a turn of -1 is over. */
export type SignIn = { turn: number; expiresAt: Date };

/** Plays two lines, and ends as a server does that stops. */
async function* twoLines({ lastEventId = '0' }: { lastEventId?: string | undefined }) {
  for (let n = Number(lastEventId) + 1, left = 2; left > 0; n++, left--) yield event(n, 'log');
}

const t = initTRPC.context<Context>().create({
  transformer: superjson,
  errorFormatter({ shape, error }) {
    const { httpStatus: status } = shape.data;
    const errors = error.cause instanceof z.ZodError ? [{ path: 'id', message: 'must be a UUID' }] : undefined;
    const code = errors
      ? 'invalid_input'
      : error.code === 'UNAUTHORIZED'
        ? 'unauthenticated'
        : error.code.toLowerCase();
    const problem = { type: 'about:blank', title: code, status, detail: error.message, code, requestId: 'r-1', errors };
    return { ...shape, data: { ...shape.data, problem } };
  },
});

const id = z.strictObject({ id: z.guid() });
const unauthorized = () => new TRPCError({ code: 'UNAUTHORIZED', message: 'The token is not valid.' });
const procedure = t.procedure.use(({ ctx: { authorization, signIn }, next }) => {
  if (authorization?.startsWith('Bearer access-') && authorization !== `Bearer access-${signIn.turn}`) {
    throw unauthorized();
  }
  return next();
});

const streamInput = id.extend({ lastEventId: z.string().optional() });
const followed = procedure.input(streamInput).subscription(async function* ({ ctx, input, signal }) {
  const { lastEventId } = input;
  if (input.id.startsWith('0')) throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such stream.' });
  yield* (ctx.plays.shift() ?? fiveSteps)({ lastEventId, signal, cut: ctx.cut });
});

const pageInput = z.strictObject({ limit: z.int().default(20), cursor: z.string().optional() });
const length = 250;

/** A list of 250 numbers. */
function pageOf({ limit, cursor = '0' }: z.infer<typeof pageInput>) {
  const start = Number(cursor);
  const items = Array.from({ length: Math.min(limit, length - start) }, (_, index) => ({ id: start + index }));
  return { items, nextCursor: start + limit < length ? `${start + limit}` : null };
}

function tokensOf({ turn, expiresAt }: SignIn) {
  return { accessToken: `access-${turn}`, refreshToken: `refresh-${turn}`, expiresAt };
}

/** Procedures at paths of the API that answer with what they received. */
const router = t.router({
  auth: {
    me: procedure.input(z.void()).query(() => ({ user: { createdAt: new Date(0) } })),
    login: t.procedure.input(z.unknown()).mutation(({ ctx }) => tokensOf(ctx.signIn)),
    register: t.procedure.input(z.unknown()).mutation(({ ctx }) => tokensOf(ctx.signIn)),
    logout: procedure.input(z.void()).mutation(() => {}),
    refresh: t.procedure.input(z.strictObject({ refreshToken: z.string() })).mutation(({ ctx: { signIn }, input }) => {
      const good = input.refreshToken === `refresh-${signIn.turn}`;
      signIn.turn = good ? signIn.turn + 1 : -1;
      if (!good) throw unauthorized();
      return tokensOf(signIn);
    }),
    apiKeys: {
      create: procedure
        .input(z.strictObject({ name: z.string(), expiresAt: z.date() }))
        .mutation(({ input }) => ({ ...input, createdAt: new Date(1_700_000_000_123) })),
    },
  },
  users: {
    changePassword: procedure.input(z.unknown()).mutation(({ ctx: { signIn } }) => {
      signIn.turn += 1;
      return tokensOf(signIn);
    }),
  },
  workflows: {
    list: procedure.input(pageInput).query(({ input }) => pageOf(input)),
    get: procedure.input(id).query(async ({ input }) => {
      if (input.id.startsWith('0')) throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such workflow.' });
      if (input.id.startsWith('f')) await new Promise((resolve) => setTimeout(resolve, 1_000));
      return { id: input.id };
    }),
    logs: procedure.input(streamInput).subscription(async function* ({ ctx, input: { lastEventId }, signal }) {
      yield* (ctx.plays.shift() ?? twoLines)({ lastEventId, signal, cut: ctx.cut });
    }),
    publish: procedure.input(id).mutation(({ ctx, input }) => ({ ...input, key: ctx.key })),
    execute: procedure.input(id.extend({ wait: z.int() })).mutation(async ({ input, signal }) => {
      await new Promise((resolve) => {
        signal?.addEventListener('abort', resolve);
        setTimeout(resolve, input.wait * 1_000);
      });
      return { id: input.id, status: input.wait ? 'completed' : 'running', output: signal?.aborted ?? null };
    }),
  },
  executions: {
    get: procedure.input(id).query(({ ctx: { looks }, input }) => {
      looks.left -= 1;
      return { id: input.id, status: looks.left > 0 ? 'running' : 'failed' };
    }),
    cancel: procedure.input(id).mutation(({ input }) => ({ id: input.id, status: 'cancelled' })),
    events: followed,
    steps: procedure.input(pageInput.extend({ id: z.guid() })).query(({ input }) => pageOf(input)),
  },
});

/** A request as the server saw it; `closed` settles when its connection or its answer has ended. */
export type Seen = {
  method: string;
  path: string;
  input: unknown;
  headers: IncomingHttpHeaders;
  closed: Promise<void>;
};

/** Serves a listener on a free port, and keeps what was asked of it. */
export async function serve(listener: RequestListener) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    const { method = '', url = '', headers } = request;
    const { pathname: path, searchParams } = new URL(url, 'http://localhost');
    const input: unknown = JSON.parse(searchParams.get('input') ?? 'null');
    seen.push({ method, path, input, headers, closed });
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

/**
 * A tRPC server with the conventions of the API: superjson, and problem details in `data.problem`.
 *
 * @param instead answers the n-th request, from 0, in the place of the API where it gives a listener.
 * @param plays what the connections to streams play, one after another; then five steps and `done`.
 */
export async function serveApi(
  instead: (turn: number) => RequestListener | undefined = () => undefined,
  plays: Play[] = [],
) {
  const signIn: SignIn = { turn: 0, expiresAt: new Date(Date.now() + 1_800_000) };
  /** Executions end at the third look. */
  const looks = { left: 3 };
  const api = createHTTPHandler({
    router,
    basePath: '/trpc/',
    createContext({ req: { headers }, res }) {
      const key = headers['idempotency-key'];
      return {
        authorization: headers.authorization,
        key: Array.isArray(key) ? key.join() : key,
        signIn,
        looks,
        plays,
        cut: () => res.destroy(),
      };
    },
  });
  let turn = 0;
  const server = await serve((request, response) => (instead(turn++) ?? api)(request, response));
  return { ...server, signIn };
}

/** The names of the procedures that were called, in order. */
export function pathsOf(seen: Seen[]): string[] {
  return seen.map(({ path }) => path.replace('/trpc/', ''));
}
