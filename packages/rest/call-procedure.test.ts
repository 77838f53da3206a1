import { callTRPCProcedure, initTRPC, TRPCError } from '@trpc/server';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { procedureCaller } from './call-procedure.ts';

type Context = { user: string; seen: string[] };
const t = initTRPC.context<Context>().meta<{ note: string }>().create({ isDev: false });
const open = t.procedure;

const noting = t.middleware(({ ctx, path, type, meta, input, batchIndex, signal, next }) => {
  ctx.seen.push(JSON.stringify([path, type, meta, input, batchIndex, signal?.aborted]));
  return next();
});
const renamed = open.use(({ ctx, next }) => next({ ctx: { user: ctx.user.toUpperCase(), extra: 1 } }));

const router = t.router({
  plain: open.query(() => 'fine'),
  context: renamed.meta({ note: 'a' }).query(({ ctx }) => ({ user: ctx.user, extra: ctx.extra, seen: ctx.seen })),
  inputs: open
    .input(z.object({ a: z.coerce.number() }))
    .use(noting)
    .input(z.object({ b: z.string().default('b') }))
    .use(noting)
    .query(({ input, ctx }) => ({ input, seen: ctx.seen })),
  asyncInput: open
    .input(z.string().refine(async (text) => text !== 'no', { error: 'not this' }))
    .output(z.string().transform(async (text) => `${text}!`))
    .mutation(({ input }) => input),
  unread: open.query(({ ctx }) => ctx.seen.length),
  replacedInput: open.use(({ next }) => next({ input: { forced: true } })).query(({ input }) => input ?? 'nothing'),
  rawInput: open
    .use(async ({ getRawInput, next }) => next({ getRawInput: async () => ({ raw: await getRawInput() }) }))
    .input(z.object({ raw: z.unknown() }))
    .query(({ input }) => input),
  cut: open.output(z.object({ kept: z.string() })).query(() => ({ kept: 'x', secret: 'y' })),
  badOutput: open.output(z.object({ a: z.string() })).query((): { a: string } => JSON.parse('{"a":1}')),
  crash: open.use(noting).query(() => {
    throw new Error('boom');
  }),
  refuse: open.query(() => {
    throw new TRPCError({ code: 'FORBIDDEN', message: 'No.' });
  }),
  thrownText: open.query(() => {
    throw 'a text';
  }),
  refusedBefore: open
    .use(() => {
      throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Who?' });
    })
    .input(z.object({ never: z.string() }))
    .query(() => 'unreachable'),
  mapped: open
    .use(async ({ next }) => {
      const result = await next();
      if (result.ok) return result;
      throw new TRPCError({ code: 'CONFLICT', message: `Was ${result.error.code}`, cause: result.error });
    })
    .input(z.object({ a: z.string() }))
    .query(({ input }) => input),
  formatted: open
    .errors(({ shape }) => ({ ...shape, message: 'shaped' }))
    .query(() => {
      throw new TRPCError({ code: 'NOT_FOUND', message: 'Gone.' });
    }),
  called: open.query(() => 'by itself'),
  inner: t.router({ deep: open.query(({ path }) => path) }),
});

// Its type is that of a plain function, which a router does not take.
Object.assign(router._def.procedures, {
  called: open.experimental_caller(async () => 'by its own caller').query(() => 'by itself'),
});

type Outcome = { data: unknown; reads: number } | { error: unknown; reads: number };

/** What a call came to, errors with all that tells them apart. */
async function outcomeOf(call: (read: () => Promise<unknown>) => Promise<unknown>, raw: unknown): Promise<Outcome> {
  let reads = 0;
  const read = async () => {
    reads++;
    if (raw instanceof Error) throw raw;
    return raw;
  };
  try {
    return { data: await call(read), reads };
  } catch (thrown) {
    if (!(thrown instanceof TRPCError)) throw thrown;
    const { name, code, message, cause } = thrown;
    const about =
      cause instanceof z.ZodError ? cause.issues : cause instanceof Error ? [cause.name, cause.message] : cause;
    return { error: [name, code, message, about, thrown.constructor.name], reads };
  }
}

const raws: [string, unknown][] = [
  ['nothing', undefined],
  ['an object', { a: '1', b: 'x' }],
  ['a text', 'yes'],
  ['a refused text', 'no'],
  ['an unreadable input', new Error('not JSON')],
  ['a refusal to read it', new TRPCError({ code: 'BAD_REQUEST', message: 'unsafe' })],
];
const calls = Object.keys(router._def.procedures).flatMap((path) => raws.map(([name, raw]) => ({ path, name, raw })));

test.each(calls)('$path with $name comes to what tRPC’s own call does', async ({ path, raw }) => {
  const type = path === 'asyncInput' ? 'mutation' : 'query';
  const { signal } = new AbortController();
  const more = () => ({ ctx: { user: 'ann', seen: [] }, signal, batchIndex: 3 });
  const call = procedureCaller(router, path, type);
  for (let again = 0; again < 2; again++) {
    const ours = await outcomeOf((getRawInput) => call({ ...more(), getRawInput }), raw);
    const theirs = await outcomeOf(
      (getRawInput) => callTRPCProcedure({ router, path, type, ...more(), getRawInput }),
      raw,
    );
    expect(ours).toStrictEqual(theirs);
  }
});

test('a middleware gets the same options, by name and value', async () => {
  const seen: object[] = [];
  const watched = t.router({
    it: open
      .use((options) => {
        seen.push({ ...options, next: typeof options.next, getRawInput: typeof options.getRawInput });
        return options.next();
      })
      .query(() => 1),
  });
  const { signal } = new AbortController();
  const call = { ctx: { user: 'ann', seen: [] }, getRawInput: async () => 1, signal, batchIndex: 0 };
  await callTRPCProcedure({ router: watched, path: 'it', type: 'query', ...call });
  await procedureCaller(watched, 'it', 'query')(call);
  expect(seen[1]).toStrictEqual(seen[0]);
});

test('a middleware that forgets to go on is an error on our side', async () => {
  const forgetful = t.router({
    it: open.use(async () => JSON.parse('null')).query(() => 1),
  });
  const call = { ctx: {}, getRawInput: async () => 1, signal: new AbortController().signal, batchIndex: 0 };
  const ours = await outcomeOf(() => procedureCaller(forgetful, 'it', 'query')(call), undefined);
  const theirs = await outcomeOf(
    () => callTRPCProcedure({ router: forgetful, path: 'it', type: 'query', ...call }),
    undefined,
  );
  expect(ours).toStrictEqual(theirs);
});
