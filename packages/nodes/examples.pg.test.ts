import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { startServer, type TestServer } from '@flowplane/egress/test-server';
import type { Engine } from '@flowplane/engine/engine';
import type { ExampleArrival, NodeExample } from '@flowplane/engine/node-type';
import { decideApproval, deliverEvent } from '@flowplane/engine/signal';
import { type Bench, eventually, openBench } from '@flowplane/engine/testing/engine';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtinNodes } from './index.ts';

let bench: Bench;
let engine: Engine;
let server: TestServer;
const sandbox = createSandbox();
const egress = createGuardedFetch({ allowPrivate: ['127.0.0.1'] });

/** The server that the examples ask is the test's own; everything else of the way out is as ever. */
const types = builtinNodes({
  sandbox,
  fetch: (url, request) =>
    egress.fetch(url.replace('https://api.example.com', `http://127.0.0.1:${server.port}`), request),
});

beforeAll(async () => {
  server = await startServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    if (pathname !== '/orders' || searchParams.get('status') !== 'open') return response.writeHead(404).end();
    const page = searchParams.has('cursor')
      ? { items: [{ id: 3 }], nextCursor: null }
      : { items: [{ id: 1 }, { id: 2 }], nextCursor: 'after-2' };
    return response.setHeader('content-type', 'application/json').end(JSON.stringify(page));
  });
  bench = await openBench();
  engine = bench.engine(types);
  engine.work();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await sandbox.close();
  await egress.close();
  await server[Symbol.asyncDispose]();
});

/** Publishes a workflow that an example calls. */
async function publish([id, definition]: [string, NodeExample['definition']]): Promise<void> {
  const { definitionHash, teamId } = await bench.request(definition);
  const { db } = bench.database;
  await db
    .insertInto('workflows')
    .values({ id, team_id: teamId, name: 'Called', description: '', definition: '{}', published_version: 1 })
    .execute();
  await db
    .insertInto('workflow_versions')
    .values({ workflow_id: id, version: 1, team_id: teamId, definition_hash: definitionHash })
    .execute();
}

/** Gives an execution what it waits for, as soon as it does. */
async function arrive(executionId: string, arrival: ExampleArrival): Promise<void> {
  const { db } = bench.database;
  const { teamId } = bench;
  const wait = await eventually(() =>
    db.selectFrom('waits').select('path').where('execution_id', '=', executionId).executeTakeFirst(),
  );
  if ('event' in arrival) {
    engine.nudge(await deliverEvent(db, { teamId, ...arrival }));
    return;
  }
  const { approved, fields } = arrival.decision;
  const output = { approved, fields, by: null, at: new Date().toISOString() };
  const resolution = { output, port: approved ? 'approved' : 'rejected' };
  await decideApproval(db, { teamId, executionId, path: wait.path, by: null, resolution });
  engine.nudge([executionId]);
}

async function ended({ definition, input = null, arrives, calls = {} }: NodeExample) {
  await Promise.all(Object.entries(calls).map(publish));
  if (!arrives) return bench.run(engine, definition, input);
  const { execution } = await engine.start(await bench.request(definition, input));
  await arrive(execution.id, arrives);
  return engine.wait(bench.teamId, execution.id, 10_000);
}

test.each([...types.keys()])('the example of %s ends as the docs say', async (name) => {
  const example = types.get(name)?.example;
  if (!example) throw new Error(`${name} has no example`);
  expect(example.definition.nodes.map(({ type }) => type)).toContain(name);
  const end = await ended(example);
  if ('output' in example) expect(end).toMatchObject({ status: 'completed', output: example.output });
  else expect(end).toMatchObject({ status: 'failed', error: example.error });
  expect(bench.errors).toEqual([]);
});
