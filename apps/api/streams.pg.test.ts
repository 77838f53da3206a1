import { once } from 'node:events';
import { createClient, type Inputs } from '@flowplane/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { dataDirectory, freePort, type Instance, owner, send, startInstance } from './test-process.ts';

const data = dataDirectory();
let instance: Instance;
let token: string;
let cookie: string;
let execution: string;

async function slowWorkflow(): Promise<string> {
  const client = createClient({ url: instance.url, token });
  const definition: Inputs['workflows']['create']['definition'] = {
    nodes: [
      { id: 'hello', type: 'log', params: { message: 'Here I am' } },
      { id: 'wait', type: 'delay', params: { seconds: 600 } },
    ],
    edges: [{ from: 'hello', to: 'wait' }],
  };
  const { id } = await client.workflows.create({ name: 'Slow', definition });
  await client.workflows.publish({ id });
  return id;
}

beforeAll(async () => {
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path });
  await instance.ready();
  const login = await send(`${instance.url}/api/v1/auth/login`, { body: owner });
  cookie = login.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  token = (await createClient({ url: instance.url }).auth.login(owner)).accessToken;
  const client = createClient({ url: instance.url, token });
  const { items } = await client.executions.list({ limit: 1 });
  execution = items[0]?.id ?? '';
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await data[Symbol.asyncDispose]();
});

/** The close code and the names of the events, or the status and code of the problem that refused. */
async function watch(path: string, headers: Record<string, string> = {}, protocols: string[] = []) {
  const socket = new WebSocket(`${instance.url.replace('http', 'ws')}${path}`, protocols, { headers });
  const events: unknown[] = [];
  socket.on('message', (message) => events.push(JSON.parse(String(message)).event));
  const refused = new Promise<unknown>((resolve) => {
    socket.once('unexpected-response', (request, response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.once('end', () => {
        request.destroy();
        resolve([response.statusCode, JSON.parse(body).code]);
      });
    });
  });
  return Promise.race([refused, once(socket, 'close').then(([code]) => [code, events.at(-1), socket.protocol])]);
}

test('programs open the WebSocket of an execution by header, pages by cookie or by a token as subprotocol', async () => {
  const path = `/ws/logs/${execution}`;
  const origin = `http://localhost:${instance.port}`;
  expect(await watch(path, { authorization: `Bearer ${token}` })).toEqual([1000, 'done', '']);
  expect(await watch(path, {}, ['flowplane', `bearer.${token}`])).toEqual([1000, 'done', 'flowplane']);
  expect(await watch(path, { cookie, origin })).toEqual([1000, 'done', '']);
});

test('a stream is in the log once it is over, whoever ended it', async () => {
  const logged = (path: string) => instance.output().split(`"path":"${path}"`).length - 1;
  const [socketPath, streamPath] = [`/ws/logs/${execution}`, `/api/v1/workflows/${await slowWorkflow()}/logs`];
  const before = logged(socketPath);
  await watch(socketPath, { authorization: `Bearer ${token}` });
  await expect.poll(() => logged(socketPath)).toBe(before + 1);
  expect(instance.output()).toMatch(new RegExp(`"path":"${socketPath}","status_code":101`));
  const leaving = new AbortController();
  await fetch(instance.url + streamPath, { headers: { authorization: `Bearer ${token}` }, signal: leaving.signal });
  expect(logged(streamPath)).toBe(0);
  leaving.abort();
  await expect.poll(() => logged(streamPath)).toBe(1);
});

test('a page of another site cannot open a WebSocket with the cookie', async () => {
  const path = `/ws/logs/${execution}`;
  for (const origin of ['https://evil.test', 'null', undefined]) {
    expect(await watch(path, { cookie, ...(origin ? { origin } : {}) })).toEqual([403, 'cross_site_request']);
  }
});

test('a WebSocket is refused over HTTP: nobody, a bad token, a key in the URL, another team’s id, an unknown path', async () => {
  const authorization = { authorization: `Bearer ${token}` };
  expect(await watch(`/ws/logs/${execution}`)).toEqual([401, 'unauthenticated']);
  expect(await watch(`/ws/logs/${execution}`, {}, ['flowplane', 'bearer.nonsense'])).toEqual([401, 'unauthenticated']);
  expect(await watch(`/ws/logs/${execution}?token=${token}`)).toEqual([400, 'unknown_parameter']);
  expect(await watch('/ws/logs/01a200da-30db-7284-847d-11f708bd22a2', authorization)).toEqual([404, 'not_found']);
  expect(await watch('/ws/nothing', authorization)).toEqual([404, 'not_found']);
});

test('SIGTERM ends the process at once though streams are open, and their readers are told', async () => {
  const workflow = await slowWorkflow();
  const client = createClient({ url: instance.url, token });
  const { id } = await client.workflows.execute({ id: workflow });
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${instance.url.replace('http', 'ws')}/ws/logs/${id}`, [], { headers });
  await once(socket, 'open');
  const closed = once(socket, 'close');
  const streams = await Promise.all(
    [`executions/${id}/events`, `workflows/${workflow}/logs`, `pipelines/${workflow}/logs`].map((path) =>
      fetch(`${instance.url}/api/v1/${path}`, { headers }),
    ),
  );
  const readers = streams.map((stream) => stream.body?.pipeThrough(new TextDecoderStream()).getReader());
  for (const reader of readers) {
    let text = '';
    while (!text.includes('Here I am')) text += (await reader?.read())?.value;
  }
  const begun = performance.now();
  instance.child.kill('SIGTERM');
  for (const reader of readers) while (!(await reader?.read())?.done);
  expect(await closed).toEqual([1012, Buffer.from('Connect again.')]);
  expect(await instance.ended).toBe(0);
  expect(performance.now() - begun).toBeLessThan(10_000);
});
