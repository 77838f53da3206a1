import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { initTRPC } from '@trpc/server';
import Fastify from 'fastify';
import { expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { RestMeta } from './meta.ts';
import { testProblem } from './testing-api.ts';
import { serveStreams } from './testing-streams.ts';
import { registerWebSockets } from './websocket.ts';

type Options = { protocols?: string[]; headers?: Record<string, string> };

/** Everything that a WebSocket says until it closes, or the HTTP answer that refused it. */
async function watch(url: string, { protocols = [], headers = {} }: Options = {}) {
  const socket = new WebSocket(url, protocols, { headers });
  const messages: unknown[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  const refused = new Promise<{ status: number | undefined; type: string | undefined; body: string }>((resolve) => {
    socket.once('unexpected-response', (_, response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      const { 'content-type': type } = response.headers;
      response.once('end', () => resolve({ status: response.statusCode, type, body }));
    });
  });
  const closed = once(socket, 'close').then(([code]) => ({ code, messages, protocol: socket.protocol }));
  return Promise.race([refused, closed]);
}

function handshake(path: string): string {
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13';
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`;
}

/** A socket of which nothing is read unless somebody listens. */
async function raw(port: number, text: string): Promise<Socket> {
  const socket = connect(port);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

test('the same events as of the event stream come as JSON messages, then the socket closes with 1000', async () => {
  await using server = await serveStreams();
  const message = (n: number) => ({ id: `${n}`, event: 'tick', data: { n, at: '2026-01-02T03:04:05.678Z' } });
  expect(await watch(`${server.ws}/ticks/2`)).toEqual({ code: 1000, messages: [message(1), message(2)], protocol: '' });
  expect(await watch(`${server.ws}/ticks/3?lastEventId=2`)).toMatchObject({ code: 1000, messages: [message(3)] });
  expect(await watch(`${server.ws}/ticks/3?lastEventId=3`)).toMatchObject({ code: 1000, messages: [] });
});

test('a message longer than a slice arrives whole, whatever its characters', async () => {
  await using server = await serveStreams();
  const [first] = Object.values(await watch(`${server.ws}/flood?events=1&bytes=500000`)).filter(Array.isArray);
  expect(first).toEqual([{ id: '0', data: 'x'.repeat(500_000) }]);
});

test('what is refused is a problem over HTTP, before the upgrade', async () => {
  await using server = await serveStreams();
  const problem = { type: 'application/problem+json; charset=utf-8' };
  expect(await watch(`${server.ws}/own`)).toMatchObject({ ...problem, status: 401 });
  expect(await watch(`${server.ws}/ticks/many`)).toMatchObject({ ...problem, status: 400 });
  expect(await watch(`${server.ws}/ticks/1?key=secret`)).toMatchObject({ ...problem, status: 400 });
  expect(await watch(`${server.ws}/nothing`)).toMatchObject({ status: 404 });
  expect(await watch(`${server.api}/fast`.replace('http', 'ws'))).toMatchObject({ status: 200 });
});

test('a request that is no WebSocket, or a handshake that is none, is answered as HTTP', async () => {
  await using server = await serveStreams();
  const plain = await fetch(`${server.ws.replace('ws', 'http')}/ticks/1`);
  expect([plain.status, plain.headers.get('content-type')]).toEqual([400, 'application/problem+json; charset=utf-8']);
  for (const [good, bad] of [
    ['Version: 13', 'Version: 12'],
    ['Key: dGhl', 'Key: '],
    ['Version: 13', 'Version: 13\r\nSec-WebSocket-Protocol: a,,b'],
    ['Version: 13', 'Version: 13\r\nSec-WebSocket-Protocol: a,a'],
  ] as const) {
    const socket = await raw(server.port, handshake('/ws/ticks/1').replace(good, bad));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*application\/problem\+json/);
  }
});

test('a subprotocol can stand for a header that browsers cannot set', async () => {
  await using server = await serveStreams();
  const called = { code: 1000, messages: [{ data: 'ada' }] };
  expect(await watch(`${server.ws}/own`, { headers: { 'x-caller': 'ada' } })).toMatchObject(called);
  expect(await watch(`${server.ws}/own`, { protocols: ['notes', 'ada'] })).toEqual({ ...called, protocol: 'notes' });
  const both = { protocols: ['notes', 'bob'], headers: { 'x-caller': 'ada' } };
  expect(await watch(`${server.ws}/own`, both)).toMatchObject(called);
});

test('a failure is a last message with the problem, and code 1011', async () => {
  await using server = await serveStreams();
  const failed = { event: 'error', data: expect.objectContaining({ status: 500 }) };
  expect(await watch(`${server.ws}/broken`)).toMatchObject({ code: 1011, messages: [{ data: 'fine' }, failed] });
});

test('leaving ends the procedure', async () => {
  await using server = await serveStreams();
  const socket = new WebSocket(`${server.ws}/quiet`);
  await once(socket, 'open');
  socket.close();
  await vi.waitFor(() => expect(server.seen).toMatchObject({ aborted: 1, returned: 1 }));
});

test('incoming messages are ignored, and one that is too large closes with 1009', async () => {
  await using server = await serveStreams();
  const socket = new WebSocket(`${server.ws}/quiet`);
  await once(socket, 'open');
  for (let i = 0; i < 100; i++) socket.send('hello');
  socket.ping();
  await once(socket, 'pong');
  socket.send('x'.repeat(2_000));
  const [code] = await once(socket, 'close');
  expect(code).toBe(1009);
  await vi.waitFor(() => expect(server.seen).toMatchObject({ returned: 1 }));
});

test('a peer that answers no ping is let go', async () => {
  await using server = await serveStreams({ heartbeatMs: 30 });
  const silent = await raw(server.port, handshake('/ws/quiet'));
  silent.resume();
  await once(silent, 'close');
  const living = new WebSocket(`${server.ws}/quiet`);
  await once(living, 'open');
  for (let i = 0; i < 5; i++) await once(living, 'ping');
  expect(living.readyState).toBe(WebSocket.OPEN);
});

test('a reader that does not read makes the procedure wait, and is let go', async () => {
  await using server = await serveStreams({ stallMs: 200 });
  const stuck = await raw(server.port, handshake('/ws/flood?events=100000&bytes=100000'));
  await vi.waitFor(() => expect(server.seen.returned).toBe(1), { timeout: 5_000 });
  expect(server.seen.pulled).toBeLessThan(500);
  stuck.destroy();
});

test('a socket whose events end because the server stops is told to connect again', async () => {
  await using server = await serveStreams();
  server.drain();
  expect(await watch(`${server.ws}/ticks/1`)).toMatchObject({ code: 1012 });
});

test('at shutdown open sockets are closed with 1012, and those that do not answer are let go', async () => {
  const server = await serveStreams();
  const closed = watch(`${server.ws}/quiet`);
  const stuck = await raw(server.port, handshake('/ws/quiet'));
  await once(stuck, 'readable');
  await server.app.close();
  expect(await closed).toMatchObject({ code: 1012 });
  stuck.destroy();
});

test('broken frames, broken handshakes and sudden ends do not end the process', async () => {
  await using server = await serveStreams();
  const frames = [
    [0xff, 0xff, 0xff, 0xff],
    [0x81, 0x05, 0x61],
    [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0x83, 0x80, 0, 0, 0, 0],
    [0x89, 0xfe, 0xff, 0xff, 0, 0, 0, 0],
    [0x88, 0x81, 0, 0, 0, 0, 1],
    [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe],
  ];
  for (const bytes of frames) {
    const early = await raw(server.port, handshake('/ws/quiet'));
    early.write(Buffer.from(bytes));
    early.resume();
    const opened = await raw(server.port, handshake('/ws/quiet'));
    await once(opened, 'readable');
    opened.resume().end(Buffer.from(bytes));
    await Promise.all([early.end(), once(opened, 'close')]);
  }
  for (const path of ['/ws/quiet', '/ws/ticks/%zz', `/ws/ticks/${'9'.repeat(250)}`, '/ws/ticks/1?connectionParams={']) {
    const gone = await raw(server.port, handshake(path));
    gone.resetAndDestroy();
    const cut = await raw(server.port, handshake(path).slice(0, -10));
    cut.resetAndDestroy();
  }
  const h2c = await raw(
    server.port,
    'GET /api/v1/fast HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
  );
  expect(String(await once(h2c, 'data'))).toMatch(/^HTTP\/1.1 200/);
  h2c.destroy();
  expect((await fetch(`${server.api}/fast`)).status).toBe(200);
});

test('only a subscription can have a WebSocket', () => {
  const t = initTRPC.meta<RestMeta>().create();
  const router = t.router({ get: t.procedure.meta({ websocket: '/ws/get' }).query(() => 1) });
  const options = { router, createContext: () => ({}), toProblem: testProblem };
  expect(() => registerWebSockets(Fastify(), options)).toThrow('get is no subscription');
});
