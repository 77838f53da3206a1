import { once } from 'node:events';
import { connect } from 'node:net';
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink, type TRPCLink } from '@trpc/client';
import { initTRPC, TRPCError, tracked } from '@trpc/server';
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import Fastify, { type FastifyInstance } from 'fastify';
import superjson from 'superjson';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { ResponseHints } from './response-hints.ts';
import { registerTrpc } from './trpc.ts';

type Context = { caller: string | undefined; response: ResponseHints };
const t = initTRPC.context<Context>().create({
  transformer: superjson,
  isDev: false,
  sse: { ping: { enabled: true, intervalMs: 30 }, client: { reconnectAfterInactivityMs: 45_000 } },
});
const seen = { pulled: 0, ended: 0 };
const at = new Date('2026-01-02T03:04:05.678Z');
const signedIn = t.procedure.use(({ ctx, next }) => {
  if (!ctx.caller) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Sign in.' });
  return next({ ctx: { caller: ctx.caller } });
});

const router = t.router({
  open: t.procedure.output(z.object({ at: z.date() })).query(() => ({ at })),
  own: signedIn
    .input(z.object({ n: z.number().max(10) }))
    .output(z.object({ caller: z.string(), n: z.number() }))
    .query(({ ctx, input }) => ({ caller: ctx.caller, n: input.n })),
  change: signedIn.input(z.object({ at: z.date() })).mutation(({ input }) => input),
  crash: t.procedure.query(() => {
    throw new Error('boom');
  }),
  ticks: signedIn
    .input(z.object({ to: z.number().max(100), lastEventId: z.string().optional() }))
    .subscription(async function* ({ input }) {
      for (let n = Number(input.lastEventId ?? 0) + 1; n <= input.to; n++) yield tracked(String(n), { n, at });
    }),
  breaks: t.procedure.subscription(async function* () {
    yield tracked('1', 'fine');
    throw new TRPCError({ code: 'CONFLICT', message: 'No more.' });
  }),
  quiet: t.procedure.subscription(async function* ({ signal }) {
    try {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      yield 'nobody gets this';
    } finally {
      seen.ended++;
    }
  }),
  flood: t.procedure.subscription(async function* () {
    try {
      for (let n = 0; n < 10_000; n++) {
        seen.pulled++;
        yield tracked(String(n), 'x'.repeat(100_000));
      }
    } finally {
      seen.ended++;
    }
  }),
});

function contextOf(caller: unknown): Context {
  return { caller: typeof caller === 'string' ? caller : undefined, response: { headers: {} } };
}

async function serveOurs(streams: { stallMs?: number } = {}): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: 'idle' });
  registerTrpc(app, {
    router,
    prefix: '/trpc',
    createContext: ({ headers }) => contextOf(headers['x-caller']),
    streams,
  });
  await app.listen({ port: 0 });
  return app;
}

async function serveStock(): Promise<FastifyInstance> {
  const app = Fastify({ routerOptions: { maxParamLength: 5_000 } });
  const createContext = ({ req }: { req: { headers: Record<string, unknown> } }) => contextOf(req.headers['x-caller']);
  app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: { router, createContext, maxBatchSize: 10 } });
  await app.listen({ port: 0 });
  return app;
}

function portOf({ server }: FastifyInstance): number {
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

let ours: FastifyInstance;
let stock: FastifyInstance;
beforeAll(async () => {
  [ours, stock] = await Promise.all([serveOurs(), serveStock()]);
});
afterAll(() => Promise.all([ours.close(), stock.close()]));

async function whole(answer: Response) {
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

function meaningful(headers: Headers) {
  const names = ['content-type', 'vary', 'cache-control', 'x-accel-buffering'];
  return names.map((name) => [name, headers.get(name)]);
}

function withoutStack(text: string): string {
  return text.replaceAll(/"stack":"[^"]*"/g, '');
}

type Link = (options: {
  url: string;
  transformer: typeof superjson;
  headers: Record<string, string>;
  fetch: typeof fetch;
}) => TRPCLink<typeof router>;
const links: [string, Link][] = [
  ['httpLink', httpLink],
  ['httpBatchLink', httpBatchLink],
  ['httpBatchStreamLink', httpBatchStreamLink],
];

/** What a client with a link sees when it makes these calls at once, and what went over the wire. */
async function use(app: FastifyInstance, link: Link, caller: string | undefined) {
  const answers: unknown[] = [];
  const recording: typeof fetch = async (input, init) => {
    const { status, headers, text } = await whole(await fetch(input, init));
    answers.push([new URL(String(input)).pathname, init?.method, status, meaningful(headers), withoutStack(text)]);
    return new Response(text, { status, headers });
  };
  const headers: Record<string, string> = caller ? { 'x-caller': caller } : {};
  const url = `http://localhost:${portOf(app)}/trpc`;
  const client = createTRPCClient<typeof router>({
    links: [link({ url, transformer: superjson, headers, fetch: recording })],
  });
  const unknown: unknown = Reflect.get(client, 'noSuch');
  const results = await Promise.allSettled([
    client.open.query(),
    client.own.query({ n: 1 }),
    client.own.query({ n: 11 }),
    client.crash.query(),
    client.change.mutate({ at }),
    unknown instanceof Function ? Reflect.apply(Reflect.get(unknown, 'query'), unknown, []) : undefined,
  ]);
  return {
    results: results.map((one) =>
      one.status === 'fulfilled' ? one.value : [one.reason.message, one.reason.data?.code],
    ),
    answers,
  };
}

/** Calls that are made at once arrive in any order, as do the lines of a stream. */
function inOrder(answers: unknown[]): string[] {
  return answers.map((one) => JSON.stringify(one).split('\\n').sort().join('\n')).sort();
}

test.each(links.flatMap(([name, link]) => [undefined, 'ann'].map((caller) => ({ name, link, caller }))))(
  '$name as $caller gets what the stock adapter answers, each call authorised on its own',
  async ({ link, caller }) => {
    const [mine, theirs] = [await use(ours, link, caller), await use(stock, link, caller)];
    expect(mine.results).toStrictEqual(theirs.results);
    expect(inOrder(mine.answers)).toStrictEqual(inOrder(theirs.answers));
    const refused = ['Sign in.', 'UNAUTHORIZED'];
    expect(mine.results[0]).toEqual({ at });
    expect(mine.results[1]).toEqual(caller ? { caller, n: 1 } : refused);
    expect(mine.results[2]).toEqual(caller ? [expect.stringContaining('too_big'), 'BAD_REQUEST'] : refused);
    expect(mine.results[3]).toEqual(['boom', 'INTERNAL_SERVER_ERROR']);
    expect(mine.results[4]).toEqual(caller ? { at } : refused);
    expect(mine.results[5]).toMatchObject([expect.stringContaining('noSuch'), 'NOT_FOUND']);
  },
);

const input = (value: unknown) => `input=${encodeURIComponent(superjson.stringify(value))}`;

async function subscribe(app: FastifyInstance, path: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`http://localhost:${portOf(app)}/trpc/${path}`, {
    headers: { accept: 'text/event-stream', ...headers },
  });
  const { status, text } = await whole(answer);
  // How many pings come depends on the machine.
  return {
    status,
    headers: meaningful(answer.headers),
    body: withoutStack(text).replaceAll(/event: ping\ndata: \n\n\n?/g, ''),
  };
}

test.each([
  ['events with ids', `ticks?${input({ to: 3 })}`, { 'x-caller': 'ann' }],
  ['resuming by header', `ticks?${input({ to: 3 })}`, { 'x-caller': 'ann', 'last-event-id': '2' }],
  ['resuming by input', `ticks?${input({ to: 3, lastEventId: '1' })}`, { 'x-caller': 'ann' }],
  ['nobody', `ticks?${input({ to: 3 })}`, {}],
  ['an invalid input', `ticks?${input({ to: 101 })}`, { 'x-caller': 'ann' }],
  ['a failure midway', 'breaks', {}],
  ['an unknown subscription', 'no.such', {}],
  ['a batch of subscriptions', 'breaks,breaks?batch=1&input={}', {}],
])('a subscription answers as the stock adapter does: %s', async (_, path, headers) => {
  const [mine, theirs] = [await subscribe(ours, path, headers), await subscribe(stock, path, headers)];
  expect(mine).toStrictEqual(theirs);
});

test('a quiet subscription is pinged', async () => {
  const answer = await fetch(`http://localhost:${portOf(ours)}/trpc/quiet`);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('event: ping')) text += (await reader?.read())?.value ?? '';
  expect(text).toContain('"reconnectAfterInactivityMs":45000');
  const before = seen.ended;
  await reader?.cancel();
  await vi.waitFor(() => expect(seen.ended).toBe(before + 1));
});

async function neverReads(app: FastifyInstance) {
  const socket = connect(portOf(app));
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write('GET /trpc/flood HTTP/1.1\r\nHost: localhost\r\n\r\n');
  return socket;
}

test('a subscriber who never reads is not sent more than fits, and dropped after a while', async () => {
  const app = await serveOurs({ stallMs: 500 });
  const before = { ...seen };
  const reader = await neverReads(app);
  await vi.waitFor(() => expect(seen.ended).toBe(before.ended + 1), { timeout: 10_000 });
  expect(seen.pulled - before.pulled).toBeLessThan(500);
  reader.destroy();
  await app.close();
});

test('closing the server ends subscriptions at once, and their procedures', async () => {
  const app = await serveOurs();
  const before = seen.ended;
  const answer = await fetch(`http://localhost:${portOf(app)}/trpc/quiet`);
  const reading = answer.text().catch(() => 'cut off');
  const begun = performance.now();
  await app.close();
  expect(performance.now() - begun).toBeLessThan(900);
  expect(await reading).toBe('cut off');
  await vi.waitFor(() => expect(seen.ended).toBe(before + 1));
});
