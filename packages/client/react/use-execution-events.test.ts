import { createElement } from 'react';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import { openPage } from '../test-react.ts';
import { event, type Play, serveApi } from '../test-server.ts';
import { useExecutionEvents } from './use-execution-events.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';
const otherId = '2b671a64-40d5-491e-99b0-da01ff1f3341';
const refusedId = '0b671a64-40d5-491e-99b0-da01ff1f3341';

function Shown({ client, id }: { client: ReturnType<typeof createClient>; id: string | undefined }) {
  const { connection, status, execution, steps, logs, error } = useExecutionEvents(client, id, { maxLogs: 3 });
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return JSON.stringify({
    connection,
    status,
    ended: execution?.status,
    steps: steps.map((step) => `${step.path}=${step.status}`),
    logs: logs.map((line) => line.message),
    code,
  });
}

const never = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));

const run: Play = async function* ({ cut, signal }) {
  yield event(1, 'status', { status: 'running' });
  yield event(2, 'step', { path: 'a', status: 'running' });
  yield event(3, 'step', { path: 'b', status: 'running' });
  for (let n = 4; n < 9; n++) yield event(n, 'log', { message: `line ${n}` });
  setTimeout(cut, 50);
  await never(signal);
};
const end: Play = async function* ({ lastEventId }) {
  yield event(9, 'step', { path: 'a', status: lastEventId === '8' ? 'completed' : 'failed' });
  yield event(10, 'done', { status: 'completed' });
};

test('an execution is shown as it goes on, over a lost connection, by one request at a time in StrictMode', async () => {
  await using server = await serveApi(undefined, [run, end]);
  await using page = await openPage();
  const client = createClient({ url: server.url });
  await page.render(createElement(Shown, { client, id }));
  expect(JSON.parse(page.text())).toMatchObject({ connection: 'connecting', steps: [], logs: [] });
  const shown = await page.until((text) => text.includes('ended"'));
  expect(JSON.parse(shown)).toEqual({
    connection: 'ended',
    status: 'completed',
    ended: 'completed',
    steps: ['a=completed', 'b=running'],
    logs: ['line 6', 'line 7', 'line 8'],
    code: null,
  });
  expect(server.seen).toHaveLength(2);
});

test('a connection that is lost is shown, and so is why; the component that goes leaves the server', async () => {
  const wait: Play = async function* ({ signal }) {
    yield event(1, 'status', { status: 'waiting' });
    await never(signal);
  };
  await using server = await serveApi(
    (turn) => (turn === 1 ? (_, response) => response.destroy() : undefined),
    [run, wait],
  );
  const client = createClient({ url: server.url });
  {
    await using page = await openPage();
    await page.render(createElement(Shown, { client, id }));
    const lost = await page.until((text) => text.includes('reconnecting'));
    expect(JSON.parse(lost)).toMatchObject({ connection: 'reconnecting', status: 'running', code: 'network_error' });
    const back = await page.until((text) => text.includes('waiting'));
    expect(JSON.parse(back)).toMatchObject({
      connection: 'open',
      status: 'waiting',
      code: null,
      steps: ['a=running', 'b=running'],
    });
  }
  await server.seen.at(-1)?.closed;
});

test('another id starts anew, a refused one fails, and none is idle', async () => {
  await using server = await serveApi(undefined, [end, run]);
  await using page = await openPage();
  const client = createClient({ url: server.url });
  await page.render(createElement(Shown, { client, id: undefined }));
  expect(JSON.parse(page.text())).toMatchObject({ connection: 'idle' });
  expect(server.seen).toHaveLength(0);
  await page.render(createElement(Shown, { client, id }));
  await page.until((text) => text.includes('ended"'));
  await page.render(createElement(Shown, { client, id: otherId }));
  expect(JSON.parse(await page.until((text) => text.includes('line 8')))).toMatchObject({
    status: 'running',
    steps: ['a=running', 'b=running'],
  });
  await page.render(createElement(Shown, { client, id: refusedId }));
  expect(JSON.parse(page.text())).toMatchObject({ connection: 'connecting', steps: [] });
  expect(JSON.parse(await page.until((text) => text.includes('failed')))).toMatchObject({
    connection: 'failed',
    code: 'not_found',
  });
});
