import { operationsOf } from '@flowplane/rest/operations';
import { registerTrpc } from '@flowplane/rest/trpc';
import { appRouter } from '@flowplane/server/api';
import { authenticate } from '@flowplane/server/auth/authenticate';
import { newcomer } from '@flowplane/server/auth/test-auth';
import type { Context } from '@flowplane/server/context';
import { testApi } from '@flowplane/server/test-api';
import { asTrpcError } from '@flowplane/server/trpc-error';
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleWorkflow } from './sample-workflow.ts';

let service: Awaited<ReturnType<typeof testApi>>;
let ours: FastifyInstance;
let stock: FastifyInstance;
let bearer: Record<string, string>;
let workflowId: string;
let executionId: string;

beforeAll(async () => {
  service = await testApi();
  const { as } = await service.member();
  async function createContext(request: FastifyRequest): Promise<Context> {
    const found = Promise.resolve().then(() => authenticate(service.auth, request.headers, request.method));
    const principal = await found.catch((error) => {
      throw asTrpcError(error);
    });
    return { ...as(principal), request: { id: 'req_same', ip: '203.0.113.7', userAgent: 'tests' } };
  }
  ours = fastify();
  registerTrpc(ours, { router: appRouter, prefix: '/trpc', createContext });
  stock = fastify({ routerOptions: { maxParamLength: 5_000 } });
  const trpcOptions = {
    router: appRouter,
    maxBatchSize: 10,
    createContext: ({ req }: { req: FastifyRequest }) => createContext(req),
  };
  stock.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions });
  await Promise.all([ours.ready(), stock.ready()]);

  const { signedIn, principal } = await newcomer(service.auth);
  bearer = { authorization: `Bearer ${signedIn.accessToken}` };
  const api = appRouter.createCaller(as(principal));
  workflowId = (await api.workflows.create(sampleWorkflow)).id;
  await api.workflows.publish({ id: workflowId });
  const input = { name: 'ada', qty: 7, price: 30 };
  executionId = (await api.workflows.execute({ id: workflowId, input, wait: 20 })).id;
});
afterAll(async () => {
  await Promise.all([ours.close(), stock.close()]);
  await service[Symbol.asyncDispose]();
});

type Sent = { method?: 'GET' | 'POST'; headers?: Record<string, string>; payload?: string };

async function answerOf(app: FastifyInstance, path: string, { method = 'GET', ...more }: Sent) {
  const answer = await app.inject({ method, url: `/trpc/${path}`, ...more });
  const { statusCode, headers, body } = answer;
  return { statusCode, headers: [headers['content-type'], headers.vary, headers.allow, headers['set-cookie']], body };
}

async function expectSame(path: string, sent: Sent = {}) {
  const mine = await answerOf(ours, path, sent);
  expect(mine).toStrictEqual(await answerOf(stock, path, sent));
  return mine;
}

const input = (value: unknown) => encodeURIComponent(JSON.stringify({ json: value }));
const procedures = operationsOf(appRouter).map(({ procedure: path, type, inputs }) => ({ path, type, inputs }));

function junk(type: string, headers: Record<string, string>): { query: string; sent: Sent } {
  if (type !== 'mutation') return { query: `?input=${input({ nonsense: 1 })}`, sent: { headers } };
  const payload = JSON.stringify({ json: { nonsense: 1 } });
  return { query: '', sent: { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, payload } };
}

describe('answers of the whole API are those of the stock adapter', () => {
  test.each(procedures)('$path for nobody and for wrong credentials', async ({ path, type }) => {
    for (const authorization of [undefined, 'Bearer nonsense']) {
      const { query, sent } = junk(type, authorization ? { authorization } : {});
      await expectSame(`${path}${query}`, sent);
    }
  });

  // What takes no input would do what it does.
  const checked = procedures.filter(({ inputs }) => inputs.length > 0);
  test.each(checked)('$path with an input that it does not take', async ({ path, type }) => {
    const { query, sent } = junk(type, bearer);
    const { statusCode } = await expectSame(`${path}${query}`, sent);
    expect(statusCode).not.toBe(500);
  });

  test.each(procedures)('$path by the wrong method', async ({ path, type }) => {
    const { query, sent } = junk(type === 'mutation' ? 'query' : 'mutation', bearer);
    const { statusCode } = await expectSame(`${path}${query}`, sent);
    // A subscription says what is wrong in its stream.
    expect(statusCode).toBe(type === 'subscription' ? 200 : 405);
  });

  test('reads that succeed', async () => {
    const id = { id: executionId };
    for (const [path, value] of [
      ['workflows.get', { id: workflowId }],
      ['workflows.list', {}],
      ['executions.get', id],
      ['executions.list', { limit: 1 }],
      ['executions.steps', id],
      ['auth.me', undefined],
    ] as const) {
      const { statusCode } = await expectSame(`${path}?input=${input(value)}`, { headers: bearer });
      expect([path, statusCode]).toEqual([path, 200]);
    }
  });

  test('a batch of reads, of which some fail, each by itself', async () => {
    const batch = { 0: { json: { id: workflowId } }, 1: { json: { id: executionId } }, 2: { json: {} } };
    const path = `workflows.get,workflows.get,executions.list,no.such?batch=1&input=${encodeURIComponent(JSON.stringify(batch))}`;
    expect((await expectSame(path, { headers: bearer })).statusCode).toBe(207);
    expect((await expectSame(path)).statusCode).toBe(207);
    const lines = { headers: { ...bearer, 'trpc-accept': 'application/jsonl' } };
    const [mine, theirs] = [await answerOf(ours, path, lines), await answerOf(stock, path, lines)];
    expect({ ...mine, body: mine.body.split('\n').length }).toEqual({
      ...theirs,
      body: theirs.body.split('\n').length,
    });
  });

  test('the events of an execution that has ended, from the beginning and resumed', async () => {
    const path = `executions.events?input=${input({ id: executionId })}`;
    const { statusCode, body } = await expectSame(path, { headers: bearer });
    expect(statusCode).toBe(200);
    expect(body).toContain('done');
    const [first] = /(?<=^id: ).*$/m.exec(body) ?? [];
    await expectSame(path, { headers: { ...bearer, 'last-event-id': first ?? '' } });
  });
});

test('a subscription says how often it is pinged and when silence means that it is lost', async () => {
  const path = `executions.events?input=${input({ id: executionId })}`;
  expect((await answerOf(ours, path, { headers: bearer })).body).toContain('"reconnectAfterInactivityMs":45000');
});
