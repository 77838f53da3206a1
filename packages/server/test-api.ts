import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Definition, Node } from '@flowplane/contract/definition';
import type { Problem } from '@flowplane/contract/errors';
import { type Database, openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { createDispatch } from '@flowplane/engine/dispatch';
import { createEngine, type Engine } from '@flowplane/engine/engine';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { builtinNodes } from '@flowplane/nodes/index';
import { callTRPCProcedure, TRPCError } from '@trpc/server';
import { appRouter } from './api.ts';
import type { Auth } from './auth/auth.ts';
import { newcomer, openAuth } from './auth/test-auth.ts';
import type { Context, Principal } from './context.ts';
import { createWebhooks, type Webhooks } from './hooks/webhooks.ts';
import { problemOfError } from './problem.ts';

/** The definition of nodes in a row, each after the one before. */
export function chain(...nodes: Node[]): Definition {
  const edges = nodes.slice(1).map((node, index) => ({ from: nodes[index]?.id ?? '', to: node.id }));
  return { nodes, edges, triggers: [] };
}

/** The shortest definition: what it answers is `value`. */
export function answering(value: Node['params'][string]): Definition {
  return chain({ id: 'a', type: 'transform', params: { value } });
}

type Member = Awaited<ReturnType<typeof member>>;

async function member(services: { database: Database; engine: Engine; auth: Auth; webhooks: Webhooks }) {
  const { principal, signedIn } = await newcomer(services.auth);
  const as = (who: Principal | undefined): Context => ({
    ...services,
    principal: who,
    request: { id: `req_${randomUUID()}`, ip: '203.0.113.7', userAgent: 'tests' },
    response: { headers: {}, cookies: [] },
  });
  return { principal, slug: signedIn.team.slug, as, api: appRouter.createCaller(as(principal)) };
}

/** Waits until nobody else is connected: BullMQ's connections outlive its close by a moment, and would fail when the database goes. */
async function alone(url: string): Promise<void> {
  const { pool, close } = openDatabase(url, { max: 1 });
  const others = 'from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
  for (let i = 0; i < 40 && (await pool.query(`select ${others}`)).rowCount; i++) await sleep(50);
  await close();
}

/** Everything that procedures need, on a database of its own with an engine that works. */
export async function testApi(): Promise<{
  database: Database;
  engine: Engine;
  auth: Auth;
  webhooks: Webhooks;
  /** A fresh account in a team of its own: `api` calls procedures as it, `as` makes contexts. */
  member(): Promise<Member>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const stored = await testDatabase();
  const auth = await openAuth(stored.url);
  const { database } = auth;
  const engineDatabase = openDatabase(stored.url, { max: 4, pointQueries: true });
  const sandbox = createSandbox();
  const egress = createGuardedFetch({ allowPrivate: [] });
  const failures: unknown[] = [];
  const engine = createEngine({
    database: engineDatabase,
    nodeTypes: builtinNodes({ sandbox, fetch: egress.fetch }),
    sandbox,
    dispatch: await createDispatch({ store: { postgres: stored.url }, onError: (error) => failures.push(error) }),
    slots: 20,
    onError: (error, where) => failures.push(new Error(where, { cause: error })),
  });
  engine.work();
  const webhooks = createWebhooks(database.db);
  const services = { database, engine, auth, webhooks };
  return {
    ...services,
    member: () => member(services),
    async [Symbol.asyncDispose]() {
      await engine.close();
      await Promise.all([sandbox.close(), egress.close(), engineDatabase.close(), database.close()]);
      await alone(stored.url);
      await stored[Symbol.asyncDispose]();
      if (failures.length > 0) throw new AggregateError(failures, 'the engine failed in ways that are its own fault');
    },
  };
}

/** Calls a procedure by its name, as a request would, with whatever input. */
export async function call(ctx: Context, path: string, input: unknown): Promise<unknown> {
  const procedure: unknown = Reflect.get(appRouter._def.procedures, path);
  const type = typeOf(procedure);
  return callTRPCProcedure({
    router: appRouter,
    path,
    type,
    ctx,
    getRawInput: async () => input,
    signal: undefined,
    batchIndex: 0,
  });
}

function typeOf(procedure: unknown): 'query' | 'mutation' {
  if (typeof procedure !== 'function' || !('_def' in procedure)) throw new Error('there is no such procedure');
  const definition: unknown = procedure._def;
  const type: unknown =
    definition && typeof definition === 'object' && 'type' in definition ? definition.type : undefined;
  if (type !== 'query' && type !== 'mutation') throw new Error(`${String(type)}s are not called`);
  return type;
}

/** The problem that a call answers with. */
export async function problemOf(answer: Promise<unknown>): Promise<Problem> {
  try {
    await answer;
  } catch (error) {
    if (!(error instanceof TRPCError)) throw error;
    return problemOfError(error, 'req_test');
  }
  throw new Error('the call succeeded');
}
