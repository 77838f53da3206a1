/**
 * A worker process for `kill.pg.test.ts`, which ends it with SIGKILL: `node testing-killed-worker.ts <url>`. It takes
 * whatever is pending, and starts executions itself, as many as each message says.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '@flowplane/db/database';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { createEngine, type StartRequest } from './engine.ts';
import { losingDispatch, typesOf } from './testing-engine.ts';
import { basics, node } from './testing-nodes.ts';

const [, , url = ''] = process.argv;
const outside = openDatabase(url);

/** Something outside: it happens in a transaction that the engine knows nothing of. */
const effect = node(
  'effect',
  async ({ idempotencyKey }) => {
    await outside.pool.query('insert into effects (key) values ($1)', [idempotencyKey]);
    await sleep(5);
    return { output: idempotencyKey };
  },
  { effect: true },
);

const engine = createEngine({
  database: openDatabase(url, { pointQueries: true }),
  nodeTypes: typesOf([...basics, effect]),
  sandbox: createSandbox(),
  dispatch: losingDispatch,
  slots: 6,
  onError: (error, where) => console.error(where, error),
});

process.on('message', (message: { start: StartRequest; times: number }) => {
  for (let count = 0; count < message.times; count += 1) void engine.start(message.start);
});
engine.work();
process.send?.('ready');
