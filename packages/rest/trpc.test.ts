import { initTRPC, TRPCError, tracked } from '@trpc/server';
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import Fastify, { type FastifyInstance } from 'fastify';
import superjson from 'superjson';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ResponseHints } from './response-hints.ts';
import { registerTrpc } from './trpc.ts';

type Context = { caller: string | undefined; response: ResponseHints };
const t = initTRPC.context<Context>().create({
  transformer: superjson,
  isDev: false,
  errorFormatter: ({ shape, path, input, type, ctx }) => ({
    ...shape,
    data: { ...shape.data, about: { path, input, type, caller: ctx?.caller } },
  }),
});
const q = t.procedure;
const at = new Date('2026-01-02T03:04:05.678Z');
const row = z.object({
  id: z.number(),
  at: z.date(),
  maybe: z.date().nullable(),
  gone: z.date().optional(),
  'a.b\\c': z.date(),
});
const aRow = { id: 1, at, maybe: null, 'a.b\\c': at };

type Tree = { at: Date; inner: Tree[] };
const tree: z.ZodType<Tree> = z.object({
  at: z.date(),
  get inner() {
    return z.array(tree);
  },
});

/** Every shape an output can have, by procedure name. */
const outputs: Record<string, [z.ZodType, unknown]> = {
  plain: [z.object({ a: z.string(), n: z.number(), list: z.array(z.boolean()) }), { a: 'x', n: 1.5, list: [true] }],
  row: [row, aRow],
  rows: [
    z.object({ items: z.array(row), nextCursor: z.string().nullable() }),
    { items: [aRow, { ...aRow, maybe: at, gone: at }], nextCursor: null },
  ],
  undefinedField: [
    z.object({ a: z.string().optional(), at: z.date().optional(), b: z.number().nullish() }),
    { a: undefined, at: undefined, b: undefined },
  ],
  undefinedItem: [z.array(z.union([z.string(), z.undefined()])), ['a', undefined]],
  record: [z.record(z.string(), z.date()), { 'x.y': at, z: at }],
  plainRecord: [z.record(z.string(), z.string()), { 'x.y': 'a' }],
  union: [z.union([z.date(), z.object({ at: z.date() }), z.string()]), { at }],
  unionDate: [z.union([z.string(), z.date()]), at],
  discriminated: [
    z.discriminatedUnion('k', [z.object({ k: z.literal('a'), at: z.date() }), z.object({ k: z.literal('b') })]),
    { k: 'a', at },
  ],
  tuple: [z.tuple([z.string(), z.date()]), ['a', at]],
  recursive: [tree, { at, inner: [{ at, inner: [] }] }],
  lazy: [z.lazy(() => row), aRow],
  loose: [z.looseObject({ a: z.string() }), { a: 'x', at, u: undefined }],
  unknown: [z.unknown(), { deep: [{ at, n: null, u: undefined }], s: 'x' }],
  unknownMap: [
    z.unknown(),
    { m: new Map([['a', at]]), s: new Set([1]), r: /x/g, u: new URL('http://x/'), b: 5n, e: [Number.NaN, -0] },
  ],
  json: [z.json(), { a: [1, 'x', { b: null }] }],
  transform: [z.string().transform(() => ({ at })), 'x'],
  codec: [z.codec(z.date(), z.string(), { decode: (d) => d.toISOString(), encode: (s) => new Date(s) }), at],
  pipe: [z.object({ n: z.string().pipe(z.coerce.date()) }), { n: at.toISOString() }],
  intersection: [z.intersection(z.object({ a: z.date() }), z.object({ b: z.date() })), { a: at, b: at }],
  emptyKey: [z.object({ '': z.object({ at: z.date() }), at: z.date() }), { '': { at }, at }],
  negativeZero: [z.object({ n: z.number(), at: z.date() }), { n: -0, at }],
  bigint: [z.object({ n: z.bigint() }), { n: 12345678901234567890n }],
  set: [z.set(z.date()), new Set([at])],
  invalidDate: [z.any(), { at: new Date(Number.NaN) }],
  undefined: [z.undefined(), undefined],
  void: [z.void(), undefined],
  null: [z.null(), null],
  date: [z.date(), at],
  string: [z.string(), 'x'],
  nan: [z.nan(), Number.NaN],
  emptyArray: [z.array(row), []],
  readonly: [z.object({ list: z.array(row).readonly() }).readonly(), { list: [aRow] }],
  nested: [
    z.object({ a: z.object({ b: z.array(z.array(z.object({ at: z.date().nullable() }))) }) }),
    { a: { b: [[{ at }, { at: null }], []] } },
  ],
};

const serving = t.router(
  Object.fromEntries(
    Object.entries(outputs).map(([name, [schema, value]]) => [name, q.output(schema).query(() => value)]),
  ),
);

const testRouter = t.router({
  serving,
  untyped: q.query(() => ({ at, list: [at, undefined] })),
  echo: q
    .input(z.object({ a: z.date(), b: z.string().optional(), big: z.bigint().optional() }))
    .output(z.object({ a: z.date(), has: z.boolean() }))
    .query(({ input }) => ({ a: input.a, has: 'b' in input })),
  strict: q
    .input(z.object({ enabled: z.boolean() }))
    .output(z.string())
    .query(({ input }) => typeof input.enabled),
  any: q.input(z.unknown()).query(({ input }) => input),
  noInput: q.output(z.string()).query(() => 'fine'),
  change: q
    .input(z.object({ at: z.date() }))
    .output(z.object({ at: z.date() }))
    .mutation(({ input }) => input),
  deny: q.query(() => {
    throw new TRPCError({ code: 'FORBIDDEN', message: 'No.' });
  }),
  busy: q.input(z.object({ seconds: z.string() }).optional()).query(({ ctx, input }) => {
    if (input) ctx.response.headers['retry-after'] = input.seconds;
    throw new TRPCError({ code: 'TOO_MANY_REQUESTS', message: 'Slow down.' });
  }),
  crash: q.query(() => {
    throw new Error('boom');
  }),
  badOutput: q.output(z.object({ a: z.string() })).query(() => JSON.parse('{"a":1}')),
  promised: q.query(() => ({ later: Promise.resolve(1) })),
  hinted: q.output(z.string()).query(({ ctx }) => {
    ctx.response.headers['x-hint'] = '1';
    ctx.response.cookies = ['a=1', 'b=2'];
    return 'x';
  }),
  ticks: q.input(z.object({ at: z.date() }).optional()).subscription(async function* () {
    yield tracked('1', { at });
  }),
});

let ours: FastifyInstance;
let stock: FastifyInstance;
let contexts = 0;

beforeAll(async () => {
  const createContext = (headers: Record<string, unknown>): Context => {
    if (headers['x-fail']) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Who?' });
    return { caller: 'ann', response: { headers: {} } };
  };
  ours = Fastify();
  registerTrpc(ours, {
    router: testRouter,
    prefix: '/trpc',
    createContext: (request) => {
      contexts++;
      return createContext(request.headers);
    },
  });
  stock = Fastify({ routerOptions: { maxParamLength: 5000 } });
  stock.register(fastifyTRPCPlugin, {
    prefix: '/trpc',
    trpcOptions: {
      router: testRouter,
      maxBatchSize: 10,
      createContext: ({ req }: { req: { headers: Record<string, unknown> } }) => createContext(req.headers),
    },
  });
  await Promise.all([ours.ready(), stock.ready()]);
});
afterAll(() => Promise.all([ours.close(), stock.close()]));

type Sent = { method?: 'GET' | 'POST' | 'PUT' | 'HEAD'; headers?: Record<string, string>; payload?: string };
type Wire = {
  result?: { data: Parameters<typeof superjson.deserialize>[0] };
  error?: Parameters<typeof superjson.deserialize>[0];
};

async function ask(app: FastifyInstance, path: string, { method = 'GET', ...more }: Sent) {
  const answer = await app.inject({ method, url: `/trpc/${path}`, ...more });
  const read = (one: Wire) =>
    one.error
      ? { error: superjson.deserialize(one.error) }
      : { data: superjson.deserialize(one.result?.data ?? { json: 'no result' }) };
  const wire = answer.body === '' ? undefined : answer.json();
  return {
    status: answer.statusCode,
    headers: [answer.headers['content-type'], answer.headers.vary, answer.headers.allow],
    written: [wire].flat().map((one) => [one?.result?.data.json, one?.result?.data.meta?.values]),
    body: wire === undefined ? undefined : Array.isArray(wire) ? wire.map(read) : read(wire),
  };
}

async function expectSame(path: string, sent: Sent = {}) {
  const [mine, theirs] = await Promise.all([ask(ours, path, sent), ask(stock, path, sent)]);
  expect(mine).toStrictEqual(theirs);
  return mine;
}

const input = (value: unknown) => `input=${encodeURIComponent(superjson.stringify(value))}`;
const inputs = (...values: unknown[]) =>
  `batch=1&input=${encodeURIComponent(JSON.stringify(Object.fromEntries(values.map((value, i) => [i, superjson.serialize(value)]))))}`;
const json = { 'content-type': 'application/json' };

describe('answers are those of the stock adapter', () => {
  test.each(Object.keys(outputs))('output: %s', async (name) => {
    const { status } = await expectSame(`serving.${name}`);
    expect(status).toBe(200);
  });

  test.each([
    ['an output without schema', 'untyped'],
    ['an input', `echo?${input({ a: at, b: undefined })}`],
    ['invalid input', `echo?${input({ a: 'x' })}`],
    ['missing input', 'echo'],
    ['no input needed, malformed input sent', 'noInput?input={'],
    ['an unknown procedure', 'nope'],
    ['a name on the prototype', 'constructor'],
    ['a refusal', 'deny'],
    ['a thrown error', 'crash'],
    ['an output that breaks its schema', 'badOutput'],
    ['a mutation by GET', `change?${input({ at })}`],
    ['a batch', `serving.rows,echo?${inputs(undefined, { a: at })}`],
    ['a batch of one', 'noInput?batch=1&input={}'],
    ['a batch that fails in part', `serving.row,deny,nope,echo?${inputs(undefined, undefined, undefined, { a: 1 })}`],
    ['a batch that fails in one way', 'deny,deny?batch=1&input={}'],
    ['a stream-like output in a batch', 'promised,noInput?batch=1&input={}'],
    ['a batch whose input is no object', 'echo?batch=1&input=[]'],
    ['commas without batch', 'noInput,noInput'],
  ])('%s', async (_, path) => {
    await expectSame(path);
  });

  test.each([
    ['a batch of mixed types', 'noInput,change?batch=1&input={}'],
    ['a batch that is too long', `${Array(11).fill('noInput').join(',')}?batch=1&input={}`],
  ])('%s, which the stock adapter labels as text', async (_, path) => {
    const [{ headers: mine, ...ownAnswer }, { headers: _theirs, ...stockAnswer }] = [
      await ask(ours, path, {}),
      await ask(stock, path, {}),
    ];
    expect(ownAnswer).toStrictEqual(stockAnswer);
    expect(mine[0]).toBe('application/json');
  });

  test('a stream-like output, where ours also names the procedure', async () => {
    expect(await ask(ours, 'promised', {})).toMatchObject({
      status: 415,
      body: { error: { data: { code: 'UNSUPPORTED_MEDIA_TYPE', path: 'promised' } } },
    });
    expect((await ask(stock, 'promised', {})).status).toBe(415);
  });

  test('mutations, and queries by POST', async () => {
    const payload = superjson.stringify({ at });
    expect((await expectSame('change', { method: 'POST', headers: json, payload })).status).toBe(200);
    expect((await expectSame('noInput', { method: 'POST', headers: json, payload: '{}' })).status).toBe(405);
    await expectSame('change,change?batch=1', {
      method: 'POST',
      headers: json,
      payload: JSON.stringify({ 0: superjson.serialize({ at }), 1: superjson.serialize({}) }),
    });
    await expectSame('noInput', { method: 'PUT', headers: json, payload: '{}' });
    await expectSame('noInput', { method: 'HEAD' });
  });

  test('a context that fails', async () => {
    expect((await expectSame('noInput,deny?batch=1&input={}', { headers: { 'x-fail': '1' } })).status).toBe(401);
  });

  test.each(['text/plain', 'application/jsonx'])('%s is refused', async (type) => {
    const answer = await ask(ours, 'change', {
      method: 'POST',
      headers: { 'content-type': type },
      payload: superjson.stringify({ at }),
    });
    expect(answer.status).toBe(415);
  });

  test('streams and subscriptions are served', async () => {
    const lines = { 'trpc-accept': 'application/jsonl' };
    const [mine, theirs] = await Promise.all(
      [ours, stock].map((app) => app.inject({ url: '/trpc/serving.row?batch=1&input={}', headers: lines })),
    );
    expect([mine?.statusCode, mine?.body]).toEqual([200, theirs?.body]);
    const events = await ours.inject({ url: `/trpc/ticks?${input({ at })}` });
    expect(events.headers['content-type']).toBe('text/event-stream');
    expect(events.body).toContain('id: 1');
  });
});

describe('what the stock adapter does not do', () => {
  test('the same Date twice is written twice', async () => {
    expect((await ours.inject('/trpc/serving.intersection')).json().result.data.meta).not.toHaveProperty(
      'referentialEqualities',
    );
  });

  test('one request has one context, and its hints leave with the answer', async () => {
    const before = contexts;
    const answer = await ours.inject('/trpc/hinted,noInput,noInput?batch=1&input={}');
    expect(contexts - before).toBe(1);
    expect([answer.headers['x-hint'], answer.headers['set-cookie']]).toEqual(['1', ['a=1', 'b=2']]);
  });

  test('who is refused for now is told when to come back, of a batch too and by the stock adapter', async () => {
    const after = async (path: string) => (await ours.inject({ url: `/trpc/${path}` })).headers['retry-after'];
    expect(await after('busy')).toBe('5');
    expect(await after(`busy?connectionParams=${encodeURIComponent('{"a":"b"}')}`)).toBe('5');
    expect(await after(`busy?input=${encodeURIComponent('{"json":{"seconds":"60"}}')}`)).toBe('60');
    expect(await after('noInput,busy?batch=1&input={}')).toBe('5');
    expect(await after('noInput,deny?batch=1&input={}')).toBeUndefined();
  });

  test('a body over the limit is a 413 in the shape of the other errors', async () => {
    const payload = JSON.stringify({ json: 'x'.repeat(2_000_000) });
    const answer = await ask(ours, 'change', { method: 'POST', headers: json, payload });
    expect(answer).toMatchObject({ status: 413, body: { error: { data: { code: 'PAYLOAD_TOO_LARGE' } } } });
  });

  test('a router with another transformer is refused', () => {
    const router = initTRPC.create().router({});
    expect(() => registerTrpc(ours, { router, prefix: '/x', createContext: () => ({}) })).toThrow('superjson');
  });

  test('a batch of long names is not cut off', async () => {
    const answer = await ours.inject(`/trpc/${Array(10).fill('serving.discriminated').join(',')}?batch=1&input={}`);
    expect(answer.json()).toHaveLength(10);
  });

  test.each([
    ['RegExp', { json: '/(a+)+$/', meta: { values: ['regexp'], v: 1 } }],
    ['Error', { json: { message: 'x' }, meta: { values: ['Error'], v: 1 } }],
    ['Map', { json: { a: [] }, meta: { values: { a: ['map'] }, v: 1 } }],
    ['Set', { json: { a: [] }, meta: { values: { a: ['set', { 0: ['Date'] }] }, v: 1 } }],
    ['URL', { json: 'http://x/', meta: { values: ['URL'], v: 1 } }],
    ['typed array', { json: [1], meta: { values: [['typed-array', 'Float64Array']], v: 1 } }],
    ['huge integer', { json: '9'.repeat(101), meta: { values: ['bigint'], v: 1 } }],
    ['a Date of a number', { json: 5, meta: { values: ['Date'], v: 1 } }],
    ['a path through __proto__', { json: {}, meta: { values: { '__proto__.x': ['undefined'] }, v: 1 } }],
    ['a path through constructor', { json: {}, meta: { values: { 'constructor.prototype.x': ['undefined'] }, v: 1 } }],
    ['the length of an array', { json: [1], meta: { values: { length: ['undefined'] }, v: 1 } }],
    ['a path to nothing', { json: {}, meta: { values: { a: ['undefined'] }, v: 1 } }],
    ['no superjson', 5],
    ['null', null],
  ])('an input may not hold: %s', async (_, payload) => {
    const url = `/trpc/any?input=${encodeURIComponent(JSON.stringify(payload))}`;
    expect((await ours.inject(url)).statusCode).toBe(400);
    expect(
      (
        await ours.inject({
          url: `/trpc/any?batch=1&input=${encodeURIComponent(JSON.stringify({ 0: payload }))}`,
          headers: { 'trpc-accept': 'application/jsonl' },
        })
      ).statusCode,
    ).toBe(400);
    expect((await ours.inject(url.replace('any', 'ticks'))).statusCode).toBe(400);
  });

  test('dates, undefined, integers and odd numbers arrive', async () => {
    const value = {
      at,
      u: undefined,
      n: 12345678901234567890n,
      odd: [Number.NaN, -0, Number.POSITIVE_INFINITY],
      'a.b\\c': { at },
      same: at,
    };
    const answer = await ours.inject(`/trpc/any?${input(value)}`);
    expect(superjson.deserialize(answer.json().result.data)).toStrictEqual(value);
  });

  test('a data property called constructor is passed on', async () => {
    const answer = await ours.inject(`/trpc/any?input=${encodeURIComponent('{"json":{"constructor":{"at":1}}}')}`);
    expect(answer.json().result.data).toEqual({ json: { constructor: { at: 1 } } });
  });

  test('malformed and polluting inputs are 400 and pollute nothing', async () => {
    for (const text of [
      '{',
      '{"json":{"__proto__":{"polluted":1}}}',
      `{"json":${'['.repeat(300)}${']'.repeat(300)}}`,
    ]) {
      expect((await ours.inject(`/trpc/any?input=${encodeURIComponent(text)}`)).statusCode).toBe(400);
    }
    expect('polluted' in {}).toBe(false);
  });
});
