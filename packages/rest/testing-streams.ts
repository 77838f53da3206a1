import { setTimeout } from 'node:timers/promises';
import { initTRPC, TRPCError, type TrackedEnvelope, tracked } from '@trpc/server';
import Fastify from 'fastify';
import superjson from 'superjson';
import { z } from 'zod';
import type { RestMeta } from './meta.ts';
import { registerRest } from './routes.ts';
import type { StreamOptions } from './stream-options.ts';
import { type TestContext, testContext, testProblem } from './testing-api.ts';
import { registerWebSockets } from './websocket.ts';
import { webSocketUpgrades } from './websocket-upgrade.ts';

/** What the tests look at from behind: how the procedures fared. */
export type Seen = { pulled: number; aborted: number; returned: number };

const tags = ['Streams'];
const tick = z
  .object({ event: z.literal('tick'), data: z.object({ n: z.number(), at: z.date() }) })
  .meta({ id: 'Tick', description: 'A second went by.' });
const at = new Date('2026-01-02T03:04:05.678Z');

/** The output of a stream of events, with their schema in its metadata. */
function streamOf<Event extends z.ZodType>(event: Event) {
  return z
    .custom<AsyncIterable<TrackedEnvelope<z.input<Event>>>>((value) => typeof value === 'object')
    .meta({ eventStream: event });
}

/** A router of subscriptions. */
export function streamsRouter(seen: Seen) {
  const t = initTRPC.context<TestContext>().meta<RestMeta>().create({ transformer: superjson });
  const open = t.procedure.meta({ permission: 'public' });

  return t.router({
    ticks: open
      .meta({
        openapi: { method: 'GET', path: '/ticks/{to}', aliases: ['/tocks/{to}'], tags, summary: 'Count up' },
        websocket: '/ws/ticks/{to}',
      })
      .input(z.object({ to: z.number().max(100), lastEventId: z.string().optional() }))
      .output(streamOf(tick))
      .subscription(async function* ({ input, ctx }) {
        ctx.response.headers['x-from'] = input.lastEventId ?? 'start';
        for (let n = Number(input.lastEventId ?? 0) + 1; n <= input.to; n++) {
          yield tracked(String(n), { event: 'tick' as const, data: { n, at } });
        }
      }),
    values: open
      .meta({ openapi: { method: 'GET', path: '/values', tags, summary: 'Plain values' } })
      .subscription(async function* () {
        yield 'line one\nline two';
        yield { nested: { at } };
        yield undefined;
      }),
    own: t.procedure
      .use(({ ctx, next }) => {
        if (!ctx.caller) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Sign in.' });
        return next();
      })
      .meta({ openapi: { method: 'GET', path: '/own', tags, summary: 'Only for callers' }, websocket: '/ws/own' })
      .subscription(async function* ({ ctx }) {
        yield ctx.caller;
      }),
    late: open
      .meta({ openapi: { method: 'GET', path: '/late', tags, summary: 'Refuses before the first event' } })
      .subscription(async function* () {
        await setTimeout(5);
        if (seen.pulled === 0) throw new TRPCError({ code: 'BAD_REQUEST', message: 'No.' });
        yield 1;
      }),
    broken: open
      .meta({ openapi: { method: 'GET', path: '/broken', tags, summary: 'Fails midway' }, websocket: '/ws/broken' })
      .subscription(async function* () {
        yield 'fine';
        throw new Error('secret: out of ink');
      }),
    quiet: open
      .meta({ openapi: { method: 'GET', path: '/quiet', tags, summary: 'Says nothing' }, websocket: '/ws/quiet' })
      .subscription(async function* ({ signal }) {
        try {
          await new Promise((resolve) => signal?.addEventListener('abort', resolve));
          seen.aborted++;
          yield 'nobody gets this';
        } finally {
          seen.returned++;
        }
      }),
    flood: open
      .meta({ openapi: { method: 'GET', path: '/flood', tags, summary: 'Says much' }, websocket: '/ws/flood' })
      .input(z.object({ events: z.number(), bytes: z.number().max(1_000_000) }))
      .subscription(async function* ({ input }) {
        try {
          for (let n = 0; n < input.events; n++) {
            seen.pulled++;
            yield tracked(String(n), 'x'.repeat(input.bytes));
          }
        } finally {
          seen.returned++;
        }
      }),
    fast: open
      .meta({ openapi: { method: 'GET', path: '/fast', tags, summary: 'Answers at once' } })
      .output(z.object({}))
      .query(() => ({})),
  });
}

/** A listening server of these streams. */
export async function serveStreams(streams: StreamOptions = {}) {
  const seen: Seen = { pulled: 0, aborted: 0, returned: 0 };
  const router = streamsRouter(seen);
  const app = Fastify({ http: { shouldUpgradeCallback: webSocketUpgrades(router) } });
  let isDraining = false;
  const draining = () => isDraining;
  const options = { router, createContext: testContext, toProblem: testProblem, streams, draining };
  registerRest(app, { ...options, prefix: '/api' });
  registerWebSockets(app, {
    ...options,
    subprotocol: 'notes',
    headersOf: ([, caller]): Record<string, string> => (caller ? { 'x-caller': caller } : {}),
  });
  await app.listen({ port: 0 });
  const address = app.server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return {
    app,
    seen,
    port,
    api: `http://localhost:${port}/api/v1`,
    drain: () => {
      isDraining = true;
    },
    ws: `ws://localhost:${port}/ws`,
    [Symbol.asyncDispose]: () => app.close(),
  };
}
