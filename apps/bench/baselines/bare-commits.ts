import { randomUUIDv7 } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import pg from 'pg';
import { poolSize } from '../pool-size.ts';
import { serve } from './serve.ts';

const [, , connectionString, teamId, workflowId] = process.argv;
const worker = randomUUIDv7();
const definitionHash = 'f'.repeat(64);

const insert = `
  insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, worker, due_at, started_at)
  values ($1, $2, $3, 1, $4, 'running', 'webhook:hook', $5, $6, now() + interval '15 seconds', now())`;

const finish = `
  with ended as (
    update executions set status = 'completed', output = $2, worker = null, due_at = null, finished_at = now()
    where id = $1 and fence = 1 returning id
  )
  insert into steps (execution_id, path, position, node_id, type, status, attempt, port, input, output, started_at, finished_at)
  select ended.id, s.path, s.position, s.path, s.type, s.status, s.attempt, s.port, s.input, s.output, s.started_at, s.finished_at
  from ended, json_to_recordset($3) as s(path text, position int, type text, status text, attempt int, port text, input json,
    output json, started_at timestamptz, finished_at timestamptz)`;

// Plans are kept, and one made while the tables were empty would scan them whole; the engine's connections say the same.
const pool = new pg.Pool({ connectionString, max: poolSize, options: '-c enable_seqscan=off' });

function step(at: Date, path: string, position: number, rest: object) {
  return { path, position, status: 'completed', attempt: 1, started_at: at, finished_at: at, ...rest };
}

async function run(request: IncomingMessage): Promise<string> {
  const input = await textOf(request);
  const { name, qty, price } = JSON.parse(input);
  const id = randomUUIDv7();
  const inserted = [id, teamId, workflowId, definitionHash, input, worker];
  await pool.query({ name: 'insert', text: insert, values: inserted });
  const at = new Date();
  const order = { name: name.toUpperCase(), total: qty * price };
  const gold = { tier: 'gold', msg: `Hello ${order.name}` };
  const steps = [
    step(at, 'order', 0, { type: 'transform', input: { value: order }, output: order }),
    step(at, 'big', 1, { type: 'if', port: 'true', input: { condition: true }, output: true }),
    { path: 'basic', position: 2, type: 'transform', status: 'skipped', attempt: 0 },
    step(at, 'gold', 3, { type: 'transform', input: { value: gold }, output: gold }),
  ];
  const output = JSON.stringify(gold);
  await pool.query({ name: 'finish', text: finish, values: [id, output, JSON.stringify(steps)] });
  return output;
}

const server = createServer(async (request, response) => {
  const body = await run(request);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
});

serve(server);
