import { setTimeout as sleep } from 'node:timers/promises';
import type { definition as definitionSchema } from '@flowplane/contract/definition';
import type { Execution, LogLine } from '@flowplane/contract/execution';
import type { Json } from '@flowplane/contract/json';
import { type Database, openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { createSandbox } from '@flowplane/expressions/sandbox';
import type { z } from 'zod';
import type { Credentials } from '../credentials.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { createEngine, type Engine, type Started, type StartRequest } from '../engine.ts';
import type { AtFaultPoint } from '../fault-points.ts';
import type { NodeType, NodeTypes } from '../node-type.ts';
import type { QueueBounds } from '../queue/backlog.ts';
import { type Bus, createBus } from '../streams/bus.ts';
import { insertTeam } from './team.ts';

export type DefinitionInput = z.input<typeof definitionSchema>;

export type StepRow = {
  path: string;
  type: string;
  status: string;
  attempt: number;
  port: string | null;
  input: Json;
  output: Json;
  error: { code: string; message: string; nodeId?: string } | null;
  progress: Json;
  started_at: Date | null;
  finished_at: Date | null;
};

/** The worst carrier that `Dispatch` allows: it loses every message. */
export const losingDispatch: Dispatch = {
  send: async () => {},
  consume: () => {},
  pause: () => {},
  resume: () => {},
  check: async () => {},
  close: async () => {},
};

/** A bus of one engine's own: others are in other processes. */
export function ownBus(): Bus {
  return createBus({ redis: undefined, onError: () => {} });
}

export function typesOf(types: NodeType[]): NodeTypes {
  return new Map(types.map((type) => [type.type, type]));
}

/** `database` instead of connections of the engine's own; it is closed with the engine all the same. */
export type EngineOptions = {
  slots?: number;
  dispatch?: Dispatch;
  bus?: Bus;
  database?: Database;
  queueBounds?: QueueBounds;
  credentials?: Credentials;
  atFaultPoint?: AtFaultPoint;
};

/** A database with one team and one workflow, and engines on it. */
export type Bench = AsyncDisposable & {
  url: string;
  database: Database;
  teamId: string;
  workflowId: string;
  /** What engines have reported as our failures; a test that expects none asserts that it is empty. */
  errors: unknown[];
  /** An engine with connections of its own, which end with the test. It takes pending executions after `work()`. */
  engine(types: NodeType[] | NodeTypes, options?: EngineOptions): Engine;
  /** Keeps a definition. @returns what `start` needs to run it. */
  request(definition: DefinitionInput, input?: Json): Promise<StartRequest>;
  /** Runs a definition to its end. */
  run(engine: Engine, definition: DefinitionInput, input?: Json): Promise<Execution>;
  /** The journal in its order. */
  steps(id: string): Promise<StepRow[]>;
  logs(id: string): Promise<LogLine[]>;
  execution(id: string): Promise<{
    status: string;
    output: Json;
    error: { code: string; message: string; nodeId?: string } | null;
    worker: string | null;
    fence: string;
    due_at: Date | null;
    crashes: number;
    events: number;
    sequence: number;
  }>;
  /** Lets every lease run out now. */
  expire(): Promise<void>;
};

/** The state an execution is left in when this process is through with it for now. */
export async function settled({ held }: Started): Promise<Execution> {
  if (!held) throw new Error('The execution was not born leased');
  return held;
}

/** Waits until `check` gives something; fails after `ms`. */
export async function eventually<Value>(check: () => Promise<Value | undefined | false> | Value, ms = 10_000) {
  const until = performance.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (performance.now() > until) throw new Error(`Nothing came of it within ${ms} ms`);
    await sleep(10);
  }
}

export async function openBench(): Promise<Bench> {
  const stack = new AsyncDisposableStack();
  const { url } = stack.use(await testDatabase());
  const database = openDatabase(url);
  stack.defer(() => database.close());
  const sandbox = createSandbox();
  stack.defer(() => sandbox.close());
  const errors: unknown[] = [];
  const { pool } = database;
  const { teamId, workflowId, request } = await insertTeam(pool, 'team');

  return {
    url,
    database,
    teamId,
    workflowId,
    errors,
    request,
    engine(types, options = {}) {
      const { slots = 25, dispatch = losingDispatch, bus = ownBus(), database: given, queueBounds } = options;
      const own = given ?? openDatabase(url, { pointQueries: true });
      const engine = createEngine({
        database: own,
        nodeTypes: Array.isArray(types) ? typesOf(types) : types,
        sandbox,
        credentials: options.credentials,
        dispatch,
        bus,
        slots,
        queueBounds,
        atFaultPoint: options.atFaultPoint,
        onError: (error) => errors.push(error),
      });
      stack.defer(async () => {
        await engine.close();
        await own.close();
      });
      return engine;
    },
    async run(engine, input, value) {
      const { execution } = await engine.start(await request(input, value));
      const ended = await engine.wait(teamId, execution.id, 15_000);
      if (!ended?.finishedAt) throw new Error(`The execution is ${ended?.status} after 15 s`);
      return ended;
    },
    async steps(id) {
      const { rows } = await pool.query('select * from steps where execution_id = $1 order by position', [id]);
      return rows;
    },
    async logs(id) {
      const { rows } = await pool.query('select * from logs where execution_id = $1 order by position', [id]);
      return rows;
    },
    async execution(id) {
      const { rows } = await pool.query('select * from executions where id = $1', [id]);
      return rows[0];
    },
    async expire() {
      await pool.query(`update executions set due_at = now() where status = 'running'`);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
