import { text } from 'node:stream/consumers';
import { openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { startServer } from '@flowplane/egress/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Definition, ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const canary = 'CaNaRy7f3kQ9vT0m7bXc1nZs5dLw8rYp';
const base64 = Buffer.from(canary).toString('base64');
const forms = [
  canary,
  canary.slice(0, 12),
  base64,
  base64.slice(0, 20),
  // What base64 makes of it within a longer text.
  Buffer.from(`ada:${canary}`).toString('base64').slice(8, 40),
  Buffer.from(`x${canary}`).toString('base64').slice(4, 40),
  Buffer.from(`xx${canary}`).toString('base64').slice(4, 40),
  Buffer.from(canary).toString('hex'),
];

const data = dataDirectory();
let stored: Awaited<ReturnType<typeof testDatabase>>;
let server: Awaited<ReturnType<typeof startServer>>;
let elsewhere: Awaited<ReturnType<typeof startServer>>;
let instance: Instance;
let owner: Awaited<ReturnType<typeof ownerOf>>;
let received: string[] = [];
let receivedElsewhere: string[] = [];

beforeAll(async () => {
  stored = await testDatabase();
  elsewhere = await startServer(
    (request, response) => {
      receivedElsewhere.push(JSON.stringify([request.url, request.headers]));
      response.end('{}');
    },
    { host: '127.0.0.1' },
  );
  // Says back whatever it is told, in every way there is.
  server = await startServer(
    async (request, response) => {
      const url = new URL(request.url ?? '', 'http://x');
      const said = JSON.stringify({ url: request.url, headers: request.headers, body: await text(request) });
      received.push(said);
      response.setHeader('x-said', Buffer.from(said).toString('base64')).setHeader('content-type', 'application/json');
      if (url.pathname === '/away') {
        response.writeHead(302, { location: `http://127.0.0.1:${elsewhere.port}/` }).end();
        return;
      }
      if (url.pathname === '/fail') response.statusCode = 500;
      // So that a message is cut in the middle of the secret, wherever that stands.
      const padding = 'x'.repeat(Number(url.searchParams.get('pad') ?? 0));
      response.end(JSON.stringify({ padding, said, base64: Buffer.from(said).toString('base64') }));
    },
    { host: '127.0.0.1' },
  );
  instance = startInstance({
    API_PORT: String(await freePort()),
    DATA_DIR: data.path,
    DATABASE_URL: stored.url,
    SECRET_KEY: 'a secret key of the tests, long enough',
    EGRESS_ALLOW_PRIVATE: '127.0.0.1',
    LOG_LEVEL: 'debug',
  });
  await instance.ready();
  owner = await ownerOf(instance);
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await Promise.all([server[Symbol.asyncDispose](), elsewhere[Symbol.asyncDispose]()]);
  await Promise.all([data[Symbol.asyncDispose](), stored[Symbol.asyncDispose]()]);
});

type Node = Definition['nodes'][number];

const kinds = {
  bearer: { kind: 'bearer', values: { token: canary } },
  basic: { kind: 'basic', values: { username: 'ada', password: canary } },
  header: { kind: 'header', values: { name: 'X-Key', value: canary } },
  query: { kind: 'query', values: { name: 'key', value: canary } },
} as const;

async function dump(): Promise<string> {
  const { pool, close } = openDatabase(stored.url, { max: 1 });
  const tables = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const texts: unknown[] = [];
  for (const { name } of tables.rows) texts.push((await pool.query(`select t::text from ${name} t`)).rows);
  await close();
  expect(tables.rows.map(({ name }) => name)).toContain('public.steps');
  return JSON.stringify(texts);
}

test('threats 19 and 24: a secret that a server says back is nowhere but in the request, in none of its forms', async () => {
  const host = `127.0.0.1:${server.port}`;
  const seen: unknown[] = [];
  for (const [name, given] of Object.entries(kinds)) {
    received = [];
    receivedElsewhere = [];
    const { id: credentialId } = await owner.client.credentials.create({ name, ...given, allowedHosts: [host] });
    const call = (id: string, path: string, params: Node['params'] = {}, more: Partial<Node> = {}): Node => ({
      id,
      type: 'http.request',
      credentialId,
      params: { method: 'POST', url: `http://${host}${path}`, body: { a: 1 }, ...params },
      ...more,
    });
    const nodes: Node[] = [
      call('echo', '/echo', {
        headers: { Authorization: 'Basic of-the-author', 'X-Key': 'author' },
        query: { key: 'a' },
      }),
      call('bytes', '/echo', { response: 'base64' }),
      call('away', '/away', { method: 'GET' }),
      call('elsewhere', '/echo', { url: `http://127.0.0.1:${elsewhere.port}/` }, { onError: 'continue' }),
      ...[300, 380, 400, 420, 440, 460].map((pad, index) =>
        call(`fail${index}`, `/fail?pad=${pad}`, {}, { onError: 'continue' }),
      ),
      { id: 'code', type: 'code', params: { code: 'return [nodes.echo, btoa ? 1 : 0]' }, onError: 'continue' as const },
      { id: 'log', type: 'log', params: { message: '{{ nodes.echo.body.said }}', data: '{{ nodes }}' } },
      {
        id: 'say',
        type: 'respond',
        params: { headers: { 'x-echo': '{{ nodes.echo.headers["x-said"] }}' }, body: '{{ nodes }}' },
      },
      {
        id: 'loop',
        type: 'forEach',
        params: { items: [1, 2], body: { nodes: [call('inner', '/echo')], output: '{{ nodes.inner }}' } },
      },
      call('last', '/fail'),
    ];
    const hook = (path: string, respond: 'result' | 'stream') => ({
      id: path,
      type: 'webhook' as const,
      path,
      method: 'POST' as const,
      respond,
    });
    const id = await owner.publish(nodes, {
      triggers: [hook(`result-${name}`, 'result'), hook(`stream-${name}`, 'stream')],
    });
    const answered = await send(`${instance.url}/hooks/${owner.slug}/result-${name}`, { body: {} });
    expect(answered.status, answered.text.slice(0, 300)).toBe(200);
    seen.push(answered, [...answered.headers]);
    const streamed = await fetch(`${instance.url}/hooks/${owner.slug}/stream-${name}`, { method: 'POST' });
    seen.push([...streamed.headers], await streamed.text());
    const run = await owner.client.workflows.execute({ id, input: {}, wait: 30 });
    expect(run.status).toBe('failed');
    expect(run.error?.code).toBe('http_status');
    const api = `${instance.url}/api/v1`;
    for (const path of ['', '/steps?limit=100', '/logs?limit=100', '/events']) {
      const answer = await fetch(`${api}/executions/${run.id}${path}`, { headers: owner.bearer });
      seen.push(await answer.text());
    }
    const { items } = await owner.client.executions.steps({ id: run.id, limit: 100 });
    const statuses = Object.fromEntries(items.map(({ path, status }) => [path, status]));
    expect(statuses).toMatchObject({
      echo: 'completed',
      bytes: 'completed',
      away: 'completed',
      'loop[1].inner': 'completed',
    });
    const step = items.find(({ path }) => path === 'elsewhere');
    expect(step?.error?.code).toBe('credential_host_not_allowed');
    const echoed = JSON.stringify(items.find(({ path }) => path === 'echo')?.output);
    expect(echoed).toContain('[redacted]');
    // It was sent, and won over what the author had written in its place.
    const sent = name === 'basic' ? Buffer.from(`ada:${canary}`).toString('base64') : canary;
    expect(received.length).toBeGreaterThan(20);
    for (const said of received) expect(said, name).toContain(sent);
    const place = name === 'header' ? '"author"' : name === 'query' ? 'key=a' : 'of-the-author';
    expect(received[0], name).not.toContain(place);
    expect(receivedElsewhere.length).toBeGreaterThan(0);
    seen.push(receivedElsewhere);
  }
  const everything = { told: JSON.stringify(seen), stored: await dump(), logged: instance.output() };
  expect(everything.stored).toContain('[redacted]');
  for (const [where, what] of Object.entries(everything)) {
    for (const form of forms) expect(what.includes(form), `${where}: ${form}`).toBe(false);
  }
});
