import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Definition, Node } from '@flowplane/contract/definition';
import type { Problem } from '@flowplane/contract/errors';
import { type Database, openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { createDispatch } from '@flowplane/engine/dispatch/dispatch';
import { createEngine, type Engine } from '@flowplane/engine/engine';
import type { QueueBounds } from '@flowplane/engine/queue/backlog';
import { createBus } from '@flowplane/engine/streams/bus';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { builtinNodes } from '@flowplane/nodes/index';
import { callTRPCProcedure, TRPCError } from '@trpc/server';
import { appRouter } from './api.ts';
import { approvalLink } from './approvals/link.ts';
import type { Auth, AuthOptions } from './auth/auth.ts';
import { createStartQuota } from './auth/guests/quota.ts';
import { newcomer, openAuth } from './auth/test-auth.ts';
import type { Context, Principal } from './context.ts';
import { credentialsFor } from './credentials/port.ts';
import { openVault } from './credentials/test-vault.ts';
import type { Vault, VaultOptions } from './credentials/vault.ts';
import { createWebhooks, type Webhooks } from './hooks/webhooks.ts';
import { problemOfError } from './problem.ts';
import { expectDeclared, noteAnswer } from './test-declared-errors.ts';

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

async function member(services: Pick<Context, 'database' | 'engine' | 'auth' | 'webhooks' | 'vault'>) {
  const { principal, signedIn } = await newcomer(services.auth);
  const as = (who: Principal | undefined): Context => ({
    ...services,
    principal: who,
    request: { id: `req_${randomUUID()}`, ip: '203.0.113.7', userAgent: 'tests' },
    response: { headers: {}, cookies: [] },
  });
  const api = appRouter.createCaller(as(principal), { onError: ({ error, path }) => noteAnswer(path, error) });
  return { principal, slug: signedIn.team.slug, as, api };
}

/** Waits until nobody else is connected: BullMQ's connections outlive its close by a moment, and would fail when the database goes. */
async function alone(url: string): Promise<void> {
  const { pool, close } = openDatabase(url, { max: 1 });
  const others = 'from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
  for (let i = 0; i < 40 && (await pool.query(`select ${others}`)).rowCount; i++) await sleep(50);
  await close();
}

/** Everything that procedures need, on a database of its own with an engine that works. */
export async function testApi(
  options: {
    auth?: Partial<AuthOptions>;
    vault?: Partial<VaultOptions>;
    slots?: number;
    queueBounds?: QueueBounds;
  } = {},
): Promise<{
  url: string;
  database: Database;
  engine: Engine;
  auth: Auth;
  webhooks: Webhooks;
  vault: Vault;
  /** A fresh account in a team of its own: `api` calls procedures as it, `as` makes contexts. */
  member(): Promise<Member>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const stored = await testDatabase();
  const auth = await openAuth(stored.url, options.auth);
  const { database } = auth;
  const engineDatabase = openDatabase(stored.url, { max: 4, pointQueries: true });
  const sandbox = createSandbox();
  const egress = createGuardedFetch({ allowPrivate: [] });
  const failures: unknown[] = [];
  const vault = openVault(stored.url, { onError: (error) => failures.push(error), ...options.vault });
  const links = auth.approvalLinks;
  const engine = createEngine({
    approvalLink: (step) => approvalLink(links, step),
    mayStart: createStartQuota(engineDatabase),
    database: engineDatabase,
    nodeTypes: builtinNodes({ sandbox, fetch: egress.fetch }),
    sandbox,
    credentials: credentialsFor(vault),
    dispatch: await createDispatch({ store: { postgres: stored.url }, onError: (error) => failures.push(error) }),
    bus: createBus({ redis: undefined, onError: (error) => failures.push(error) }),
    slots: options.slots ?? 20,
    queueBounds: options.queueBounds,
    onError: (error, where) => failures.push(new Error(where, { cause: error })),
  });
  engine.work();
  const webhooks = createWebhooks(database.db);
  const services = { database, engine, auth, webhooks, vault };
  return {
    ...services,
    url: stored.url,
    member: () => member(services),
    async [Symbol.asyncDispose]() {
      await engine.close();
      await vault[Symbol.asyncDispose]();
      await Promise.all([sandbox.close(), egress.close(), engineDatabase.close(), database.close()]);
      await alone(stored.url);
      await stored[Symbol.asyncDispose]();
      if (failures.length > 0) throw new AggregateError(failures, 'the engine failed in ways that are its own fault');
      expectDeclared();
    },
  };
}

/** Calls a procedure by its name, as a request would, with whatever input. A subscription is left as soon as it is open. */
export async function call(ctx: Context, path: string, input: unknown): Promise<unknown> {
  const procedure: unknown = Reflect.get(appRouter._def.procedures, path);
  const type = typeOf(procedure);
  const leaving = new AbortController();
  try {
    return await callTRPCProcedure({
      router: appRouter,
      path,
      type,
      ctx,
      getRawInput: async () => input,
      signal: leaving.signal,
      batchIndex: 0,
    });
  } catch (error) {
    noteAnswer(path, error);
    throw error;
  } finally {
    if (type === 'subscription') leaving.abort();
  }
}

function typeOf(procedure: unknown): 'query' | 'mutation' | 'subscription' {
  if (typeof procedure !== 'function' || !('_def' in procedure)) throw new Error('there is no such procedure');
  const definition: unknown = procedure._def;
  const type: unknown =
    definition && typeof definition === 'object' && 'type' in definition ? definition.type : undefined;
  if (type === 'query' || type === 'mutation' || type === 'subscription') return type;
  throw new Error(`${String(type)}s are not called`);
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
