import type { RequestListener } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { answersOf } from './answers.ts';
import { createClient } from './client.ts';
import { signerOf } from './credentials.ts';
import { eventIterable } from './event-iterable.ts';
import { followEvents } from './follow-events.ts';
import { event, type Play, pathsOf, type Seen, serve, serveApi } from './test-server.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';
const unknownId = '0b671a64-40d5-491e-99b0-da01ff1f3341';

async function taken<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function idsOf(items: AsyncIterable<{ id: string }>): Promise<string> {
  return (await taken(items)).map((each) => each.id).join(' ');
}

/** The ids after which a server was asked to go on, in order. */
function resumedAt(seen: Seen[]): unknown[] {
  return seen.map(({ input }) => JSON.parse(JSON.stringify(input)).json.lastEventId);
}

const broken: RequestListener = (_, response) => response.destroy();
const never = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));

test('a stream is asked for when it is iterated, tells dates as dates, ends after done and leaves the server', async () => {
  await using server = await serveApi();
  const client = createClient({ url: server.url, apiKey: 'fp_key', teamId: 'team-1', headers: { 'x-trace': 'abc' } });
  const events = client.executions.events({ id });
  await sleep(20);
  expect(server.seen).toHaveLength(0);
  const all = await taken(events);
  expect(all.map((each) => each.event).join(' ')).toBe('step step step step step done');
  expect(all[1]).toEqual({ id: '2', event: 'step', data: { n: 2, startedAt: new Date(2) } });
  expect(server.seen[0]).toMatchObject({ method: 'GET', path: '/trpc/executions.events' });
  const sent = { accept: 'text/event-stream', 'x-api-key': 'fp_key', 'x-team-id': 'team-1', 'x-trace': 'abc' };
  expect(server.seen[0]?.headers).toMatchObject(sent);
  await server.seen[0]?.closed;
  expect(await idsOf(events)).toBe('1 2 3 4 5 6');
});

test('a stream goes on after the last event when its connection breaks, so that each event is seen once', async () => {
  const play: Play = async function* ({ lastEventId = '0', cut, signal }) {
    yield event(Number(lastEventId) + 1, 'step');
    yield event(Number(lastEventId) + 2, 'step');
    await sleep(20);
    cut();
    await never(signal);
  };
  await using server = await serveApi(undefined, [play, play]);
  expect(await idsOf(createClient({ url: server.url }).executions.events({ id }))).toBe('1 2 3 4 5 6');
  expect(resumedAt(server.seen)).toEqual([undefined, '2', '4']);
});

test('a stream that the server ends goes on: it ends after done, or, without such an event, when its reader leaves', async () => {
  const short: Play = async function* () {
    yield event(1, 'step');
  };
  await using server = await serveApi(undefined, [short]);
  const client = createClient({ url: server.url });
  expect(await idsOf(client.executions.events({ id }))).toBe('1 2 3 4 5 6');
  expect(resumedAt(server.seen)).toEqual([undefined, '1']);
  const lines: string[] = [];
  for await (const line of client.workflows.logs({ id })) {
    lines.push(line.id);
    if (lines.length === 8) break;
  }
  expect(lines.join(' ')).toBe('1 2 3 4 5 6 7 8');
});

test('a stream can be taken up at a stored place', async () => {
  await using server = await serveApi();
  expect(await idsOf(createClient({ url: server.url }).executions.events({ id, lastEventId: '4' }))).toBe('5 6');
});

test('opening a stream is tried again after failures that may pass, as often as calls are', async () => {
  const busy: RequestListener = (_, response) => response.writeHead(503, { 'retry-after': '1' }).end('busy');
  await using server = await serveApi((turn) => [broken, busy, undefined, broken, broken, broken][turn]);
  const client = createClient({ url: server.url });
  const started = performance.now();
  expect(await idsOf(client.executions.events({ id }))).toBe('1 2 3 4 5 6');
  expect(performance.now() - started).toBeGreaterThan(1_000);
  await expect(taken(client.executions.events({ id }))).rejects.toMatchObject({ code: 'network_error' });
  expect(server.seen).toHaveLength(6);
});

test('a stream that was open outlives a server that is away for longer than calls are repeated', async () => {
  const quiet: Play = async function* ({ cut, signal }) {
    if (signal?.aborted) yield event(0, 'step');
    setTimeout(cut, 20);
    await never(signal);
  };
  await using server = await serveApi((turn) => (turn > 0 && turn < 5 ? broken : undefined), [quiet]);
  const told: string[] = [];
  const onConnection = ({ open }: { open: boolean }) => told.push(open ? 'open' : 'lost');
  expect(await idsOf(createClient({ url: server.url }).executions.events({ id }, { onConnection }))).toBe(
    '1 2 3 4 5 6',
  );
  expect(told).toEqual(['open', 'lost', 'lost', 'lost', 'lost', 'lost', 'open']);
}, 20_000);

test('with retries: 0 a stream is asked for once', async () => {
  const play: Play = async function* ({ cut, signal }) {
    yield event(1, 'step');
    setTimeout(cut, 20);
    await never(signal);
  };
  await using server = await serveApi(undefined, [play]);
  const events = createClient({ url: server.url, retries: 0 }).executions.events({ id });
  await expect(taken(events)).rejects.toMatchObject({ name: 'FlowplaneError', code: 'network_error' });
  expect(server.seen).toHaveLength(1);
});

test('a refusal is thrown as it is, and nothing is asked again', async () => {
  await using server = await serveApi((turn) =>
    turn === 1 ? (_, response) => response.writeHead(200).end('<html>') : undefined,
  );
  const client = createClient({ url: server.url, apiKey: 'fp_key' });
  const refused = taken(client.executions.events({ id: unknownId }));
  await expect(refused).rejects.toMatchObject({ name: 'FlowplaneError', status: 404, code: 'not_found' });
  await expect(taken(client.executions.events({ id }))).rejects.toMatchObject({ code: 'bad_response' });
  expect(server.seen).toHaveLength(2);
});

test('a session whose token is refused is exchanged once, and the stream goes on; a token of the caller’s is not', async () => {
  await using server = await serveApi();
  const session = { accessToken: 'access-old', refreshToken: 'refresh-0' };
  const client = createClient({ url: server.url, session });
  expect(await idsOf(client.executions.events({ id }))).toBe('1 2 3 4 5 6');
  expect(pathsOf(server.seen)).toEqual(['executions.events', 'auth.refresh', 'executions.events']);
  server.signIn.turn = 7;
  await expect(taken(client.executions.events({ id }))).rejects.toMatchObject({ status: 401, code: 'unauthenticated' });
  expect(pathsOf(server.seen).slice(3)).toEqual(['executions.events', 'auth.refresh']);
  const fixed = createClient({ url: server.url, token: 'access-old' });
  await expect(taken(fixed.executions.events({ id }))).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(server.seen).toHaveLength(6);
});

test('leaving a stream, by break, by return while an event is waited for, and by abort, leaves the server at once', async () => {
  const play: Play = async function* ({ signal }) {
    yield event(1, 'step');
    await never(signal);
  };
  await using server = await serveApi(undefined, [play, play, play]);
  const client = createClient({ url: server.url });
  for await (const _ of client.executions.events({ id })) break;
  await server.seen[0]?.closed;

  const iterator = client.executions.events({ id })[Symbol.asyncIterator]();
  await iterator.next();
  const waiting = iterator.next();
  await iterator.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  await server.seen[1]?.closed;

  const reason = new Error('left the page');
  const controller = new AbortController();
  const { signal } = controller;
  const seen: unknown[] = [];
  async function follow() {
    for await (const each of client.executions.events({ id }, { signal })) {
      seen.push(each);
      setTimeout(() => controller.abort(reason), 20);
    }
  }
  await expect(follow()).rejects.toBe(reason);
  await server.seen[2]?.closed;
  await expect(taken(client.executions.events({ id }, { signal }))).rejects.toBe(reason);
  expect(server.seen).toHaveLength(3);
});

test('a stream that is aborted between two connections ends at once', async () => {
  await using server = await serveApi(
    (turn) => (turn === 0 ? undefined : broken),
    [
      async function* ({ cut, signal }) {
        yield event(1, 'step');
        setTimeout(cut, 20);
        await never(signal);
      },
    ],
  );
  const signal = AbortSignal.timeout(700);
  const events = createClient({ url: server.url }).executions.events({ id }, { signal });
  await expect(taken(events)).rejects.toMatchObject({ name: 'TimeoutError' });
});

test('a connection on which nothing comes, not even a ping, is taken for dead, before its answer and after', async () => {
  await using server = await serveApi(
    (turn) => (turn === 1 ? () => {} : undefined),
    [
      async function* ({ signal }) {
        yield event(1, 'step');
        await never(signal);
      },
    ],
  );
  const following = {
    ask: answersOf(fetch),
    endpoint: `${server.url}/trpc`,
    headers: {},
    silence: 100,
    signer: signerOf({}),
    retries: 2,
  };
  const stream = { path: 'executions.events', input: { id }, last: 'done' };
  const events = eventIterable((signal) => followEvents(following, stream, { signal }), undefined);
  expect(await idsOf(events)).toBe('1 2 3 4 5 6');
  await Promise.all([server.seen[0]?.closed, server.seen[1]?.closed]);
  expect(server.seen).toHaveLength(3);
});

test('who takes events slowly is not sent more than the network holds', async () => {
  let sent = 0;
  const flood: Play = async function* ({ lastEventId = '0' }) {
    for (let n = Number(lastEventId) + 1; n <= 600; n++) {
      sent = n;
      yield event(n, 'step', 'x'.repeat(100_000));
    }
    yield event(601, 'done');
  };
  await using server = await serveApi(undefined, [flood]);
  let count = 0;
  for await (const _ of createClient({ url: server.url }).executions.events({ id })) {
    count += 1;
    if (count === 1) await sleep(500);
    if (count === 1) expect(sent).toBeLessThan(300);
  }
  expect(count).toBe(601);
  expect(server.seen).toHaveLength(1);
}, 30_000);

test('an event that is larger than any of the API’s ends the stream instead of filling the memory', async () => {
  await using server = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('event: connected\ndata: {}\n\ndata: ');
    const piece = 'x'.repeat(1_000_000);
    const timer = setInterval(() => response.write(piece), 1);
    response.on('close', () => clearInterval(timer));
  });
  const events = createClient({ url: server.url }).executions.events({ id });
  await expect(taken(events)).rejects.toMatchObject({ code: 'bad_response' });
  await server.seen[0]?.closed;
});

test('the handle of an execution has its events', async () => {
  await using server = await serveApi();
  const execution = await createClient({ url: server.url }).workflows.execute({ id, wait: 0 });
  expect(await idsOf(execution.events())).toBe('1 2 3 4 5 6');
  expect(await idsOf(execution.events({ lastEventId: '5' }))).toBe('6');
});
