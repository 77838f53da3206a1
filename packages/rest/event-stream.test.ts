import { request as httpRequest } from 'node:http';
import { expect, test, vi } from 'vitest';
import { serveStreams } from './testing-streams.ts';

async function text(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

test('a subscription is an event stream: id, event and data of every event, dates as ISO strings', async () => {
  await using server = await serveStreams();
  const { status, headers, body } = await text(`${server.api}/ticks/2`);
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('x-accel-buffering')).toBe('no');
  expect(headers.get('x-from')).toBe('start');
  const data = (n: number) => `id: ${n}\nevent: tick\ndata: {"n":${n},"at":"2026-01-02T03:04:05.678Z"}\n\n`;
  expect(body).toBe(`retry: 1000\n\n${data(1)}${data(2)}`);
  expect((await text(`${server.api}/tocks/2`)).body).toBe(body);
});

test('values that are no named events are data only, on one line', async () => {
  await using server = await serveStreams();
  expect((await text(`${server.api}/values`)).body).toBe(
    'retry: 1000\n\ndata: "line one\\nline two"\n\ndata: {"nested":{"at":"2026-01-02T03:04:05.678Z"}}\n\ndata: null\n\n',
  );
});

test('Last-Event-ID continues after that event and wins over the query parameter', async () => {
  await using server = await serveStreams();
  const third = expect.stringMatching(/^retry: 1000\n\nid: 3\nevent: tick\n[^\n]+\n\n$/);
  expect((await text(`${server.api}/ticks/3`, { 'last-event-id': '2' })).body).toEqual(third);
  expect((await text(`${server.api}/ticks/3?lastEventId=2`)).body).toEqual(third);
  expect((await text(`${server.api}/ticks/3?lastEventId=0`, { 'last-event-id': '2' })).body).toEqual(third);
  expect((await text(`${server.api}/values`, { 'last-event-id': '2' })).status).toBe(200);
});

test('a Last-Event-ID that cannot be one is a 400', async () => {
  await using server = await serveStreams();
  for (const id of ['x'.repeat(201), 'caf\u00e9']) {
    const { status, headers } = await text(`${server.api}/ticks/3`, { 'last-event-id': id });
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json; charset=utf-8']);
  }
});

test('who has all events of a stream that ended gets 204, which tells an EventSource to stop', async () => {
  await using server = await serveStreams();
  const over = await text(`${server.api}/ticks/3`, { 'last-event-id': '3' });
  expect([over.status, over.body, over.headers.get('content-type')]).toEqual([204, '', null]);
  expect((await text(`${server.api}/ticks/0`)).status).toBe(200);
});

test('a stream that ends because the server stops is not over', async () => {
  await using server = await serveStreams();
  server.drain();
  expect((await text(`${server.api}/ticks/3`, { 'last-event-id': '3' })).status).toBe(200);
});

test('what is refused before the first event is a problem with its status', async () => {
  await using server = await serveStreams();
  const statusOf = async (path: string, method = 'GET') => {
    const response = await fetch(server.api + path, { method });
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    return response.status;
  };
  expect(await statusOf('/own')).toBe(401);
  expect(await statusOf('/late')).toBe(400);
  expect(await statusOf('/ticks/many')).toBe(400);
  expect(await statusOf('/ticks/1?nope=1')).toBe(400);
  expect(await statusOf('/ticks/')).toBe(404);
  expect(await statusOf('/ticks/1', 'POST')).toBe(405);
  expect((await fetch(`${server.api}/ticks/1`, { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
});

test('HEAD has the headers of the stream, ends at once and lets the procedure go', async () => {
  await using server = await serveStreams();
  const head = await fetch(`${server.api}/quiet`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  await vi.waitFor(() => expect(server.seen).toMatchObject({ aborted: 1, returned: 1 }));
});

test('an error after the first event is an event with the problem, nothing of its cause, and the end', async () => {
  await using server = await serveStreams();
  const { status, body } = await text(`${server.api}/broken`);
  expect(status).toBe(200);
  expect(body).toMatch(/data: "fine"\n\nevent: error\ndata: \{.*"status":500.*\}\n\n$/);
  expect(body).not.toContain('secret');
});

test('a quiet stream answers at once and is kept alive by comments; leaving it ends the procedure', async () => {
  await using server = await serveStreams({ heartbeatMs: 20 });
  const leaving = new AbortController();
  const response = await fetch(`${server.api}/quiet`, { signal: leaving.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let body = '';
  while (!body.endsWith(':\n\n:\n\n')) body += (await reader?.read())?.value ?? '';
  expect(body).toMatch(/^retry: 1000\n\n(:\n\n)+$/);
  expect(server.seen).toMatchObject({ aborted: 0 });
  leaving.abort();
  await vi.waitFor(() => expect(server.seen).toMatchObject({ aborted: 1, returned: 1 }));
});

test('who leaves before the answer began keeps nothing open', async () => {
  const server = await serveStreams({ firstEventMs: 300 });
  const gone = fetch(`${server.api}/quiet`, { signal: AbortSignal.timeout(100) });
  await expect(gone).rejects.toThrow();
  await vi.waitFor(() => expect(server.seen).toMatchObject({ aborted: 1, returned: 1 }));
  await server.app.close();
});

test('closing the server ends open streams, and who does not read is let go', { timeout: 10_000 }, async () => {
  const server = await serveStreams();
  const quiet = fetch(`${server.api}/quiet`).then((response) => response.text());
  const stuck = httpRequest(`${server.api}/flood?events=1000&bytes=100000`).end();
  stuck.on('error', () => {});
  await new Promise((resolve) => stuck.once('response', resolve));
  await quietOpened(server.seen);
  const begun = performance.now();
  await server.app.close();
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(await quiet).toBe('retry: 1000\n\n');
  expect(server.seen.returned).toBe(2);
});

/** The flood has run into its reader, by which time the quiet stream is open too. */
async function quietOpened(seen: { pulled: number }): Promise<void> {
  let before = -1;
  await vi.waitFor(
    () => {
      const same = seen.pulled > 0 && seen.pulled === before;
      before = seen.pulled;
      expect(same).toBe(true);
    },
    { interval: 100 },
  );
}
