import { createServer } from 'node:http';
import pg from 'pg';
import { poolSize } from '../pool-size.ts';
import { serve } from './serve.ts';

type Row = {
  id: string;
  name: string;
  description: string;
  definition: unknown;
  revision: number;
  published_version: number | null;
  created_at: Date;
  updated_at: Date;
};

const text = `select id, name, description, definition, revision, published_version, created_at, updated_at
  from workflows where id = $1`;
const dates = { createdAt: ['Date'], updatedAt: ['Date'] };
const pool = new pg.Pool({ connectionString: process.argv[2], max: poolSize });

function workflowOf(row: Row) {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    definition: row.definition,
    revision: row.revision,
    publishedVersion: row.published_version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

const server = createServer(async (request, response) => {
  const [, face, id] = (request.url ?? '').split('/');
  const { rows } = await pool.query<Row>({ name: 'get-workflow', text, values: [id] });
  const [row] = rows;
  if (!row) {
    response.writeHead(404).end();
    return;
  }
  const workflow = workflowOf(row);
  const answer = face === 'trpc' ? { result: { data: { json: workflow, meta: { values: dates, v: 1 } } } } : workflow;
  const body = JSON.stringify(answer);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
});

serve(server);
