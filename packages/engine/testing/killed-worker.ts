/**
 * A worker process for the tests that end it with SIGKILL: `node killed-worker.ts <url> [<round>]`. It takes
 * whatever is pending, and starts executions itself, as many as each message says. In a round, an execution whose input has
 * `stops` comes to a stand at the fault point of that number, counted with those of the executions that it calls.
 */
import { openDatabase } from '@flowplane/db/database';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { z } from 'zod';
import { createEngine, type StartRequest } from '../engine.ts';
import type { AtFaultPoint } from '../fault-points.ts';
import { losingDispatch, ownBus, typesOf } from './engine.ts';
import { faultNodes } from './fault-nodes.ts';

const [, , url = '', round] = process.argv;

const stopping = z.object({ family: z.number(), stops: z.array(z.number()) });
const passed = new Map<number, number>();

const stop: AtFaultPoint = async (point, { input }) => {
  const { success, data } = stopping.safeParse(input);
  if (!success) return;
  const count = (passed.get(data.family) ?? 0) + 1;
  passed.set(data.family, count);
  process.send?.({ point, stopped: count === data.stops[Number(round)] ? data.family : undefined });
  // Whatever else happens of the family happens at the same time as in a process that dies here.
  if (count >= (data.stops[Number(round)] ?? Number.POSITIVE_INFINITY)) await new Promise(() => {});
};

const engine = createEngine({
  database: openDatabase(url, { pointQueries: true }),
  nodeTypes: typesOf(faultNodes(openDatabase(url))),
  sandbox: createSandbox(),
  dispatch: losingDispatch,
  bus: ownBus(),
  slots: round === undefined ? 6 : 500,
  atFaultPoint: round === undefined ? undefined : stop,
  onError: (error, where) => console.error(where, error),
});

process.on('message', (message: { start: StartRequest; times: number }) => {
  for (let count = 0; count < message.times; count += 1) void engine.start(message.start);
});
// Also when the test fails.
process.on('disconnect', () => process.exit());
engine.work();
process.send?.('ready');
