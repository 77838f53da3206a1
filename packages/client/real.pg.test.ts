import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Definition, ExecutionEvent } from './api.ts';
import { createClient } from './client.ts';
import { owner, startFlowplane } from './test-instance.ts';
import { printed, program, sections } from './test-readme.ts';
import type { Tokens } from './tokens.ts';

let flowplane: Awaited<ReturnType<typeof startFlowplane>>;
beforeAll(async () => {
  flowplane = await startFlowplane();
});
afterAll(() => flowplane[Symbol.asyncDispose]());

const definition: Definition = { nodes: [{ id: 'a', type: 'transform', params: { value: '{{ input }}' } }] };
const login = () => createClient({ url: flowplane.url }).auth.login(owner);

/** A fetch that loses the answer to the first request of each path: the server did it, and the client does not know. */
function lossy(): { fetch: typeof fetch; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async fetch(url, init) {
      const path = new URL(String(url)).pathname.replace('/trpc/', '');
      const answer = await fetch(url, init);
      asked.push(path);
      if (asked.filter((each) => each === path).length > 1) return answer;
      await answer.text();
      throw new TypeError('fetch failed', { cause: new Error('socket hang up') });
    },
  };
}

test('the program of the README runs, and prints what the README says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flowplane-readme-'));
  mkdirSync(join(folder, 'node_modules/@flowplane'), { recursive: true });
  symlinkSync(import.meta.dirname, join(folder, 'node_modules/@flowplane/client'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(folder, 'main.ts'), program.replace('https://flowplane.example.com', flowplane.url));
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'main.ts')]);
  rmSync(folder, { recursive: true });
  expect(stdout.trim().split('\n')).toEqual(printed);
  const numbered = sections.filter(({ heading }) => /^\d/.test(heading));
  expect(numbered).toHaveLength(11);
  for (const { heading, snippets } of numbered) expect(snippets, heading).toBeGreaterThan(0);
});

test('changes whose answers are lost are made once', async () => {
  const { fetch, asked } = lossy();
  const client = createClient({ url: flowplane.url, token: (await login()).accessToken, fetch });
  const name = `Lossy ${Date.now()}`;
  const { id } = await client.workflows.create({ name, definition });
  const { publishedVersion } = await client.workflows.publish({ id });
  const execution = await client.workflows.execute({ id, input: 7, wait: 10 });
  expect(execution).toMatchObject({ status: 'completed', output: 7 });
  expect(publishedVersion).toBe(1);
  expect(asked).toEqual(
    ['create', 'create', 'publish', 'publish', 'execute', 'execute'].map((each) => `workflows.${each}`),
  );
  const names: string[] = [];
  for await (const workflow of client.workflows.list.all({ limit: 1 })) names.push(workflow.name);
  expect(names.filter((each) => each === name)).toHaveLength(1);
  expect((await client.executions.list({ workflowId: id })).items.map((each) => each.id)).toEqual([execution.id]);
  await client.workflows.delete({ id });
  await expect(client.workflows.get({ id })).rejects.toMatchObject({ code: 'not_found' });
});

test('a token that is refused and one that is about to expire are exchanged, once for fifty calls; signing out ends all', async () => {
  const { accessToken, ...rest } = await login();
  const changes: (Tokens | null)[] = [];
  const session = { ...rest, accessToken: `${accessToken}x`, onChange: (next: Tokens | null) => changes.push(next) };
  const client = createClient({ url: flowplane.url, session });
  const { id } = await client.workflows.create({ name: 'Many', definition });
  expect(changes).toHaveLength(1);

  const stored: Tokens = JSON.parse(JSON.stringify(changes[0]));
  const due = { ...stored, expiresAt: new Date().toISOString(), onChange: session.onChange };
  const next = createClient({ url: flowplane.url, session: due });
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => (n % 2 ? next.workflows.get({ id }) : next.workflows.publish({ id }))),
  );
  expect(changes).toHaveLength(2);
  await next.auth.logout();
  expect(changes.at(-1)).toBeNull();
  const [, last] = changes;
  const over = createClient({ url: flowplane.url, session: { ...stored, ...last, accessToken: 'gone' } });
  await expect(over.auth.me()).rejects.toMatchObject({ status: 401, code: 'unauthenticated' });
});

/** A fetch whose streams break off after 1,000 bytes, in the middle of whatever comes then. */
function breaking(): { fetch: typeof fetch; connections: () => number } {
  let connections = 0;
  return {
    connections: () => connections,
    async fetch(url, init) {
      const answer = await fetch(url, init);
      if (!answer.headers.get('content-type')?.startsWith('text/event-stream') || !answer.body) return answer;
      connections += 1;
      const reader = answer.body.getReader();
      let left = 1_000;
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { done, value } = left > 0 ? await reader.read() : {};
          if (done) return controller.close();
          if (!value) return controller.error(new TypeError('terminated'));
          controller.enqueue(value.subarray(0, left));
          left -= value.length;
        },
        cancel: () => reader.cancel(),
      });
      return new Response(body, answer);
    },
  };
}

test('a stream whose connection breaks again and again tells each event once, and ends', async () => {
  const { accessToken: token } = await login();
  const client = createClient({ url: flowplane.url, token });
  const nodes = Array.from({ length: 6 }, (_, n) => ({ id: `n${n}`, type: 'log', params: { message: `line ${n}` } }));
  const edges = nodes.slice(1).map(({ id }, n) => ({ from: `n${n}`, to: id }));
  const { id } = await client.workflows.create({ name: 'Lines', definition: { nodes, edges } });
  const run = await client.workflows.execute({ id, draft: true, wait: 10 });
  const whole: ExecutionEvent[] = [];
  for await (const event of run.events()) whole.push(event);
  expect(whole.at(-1)).toEqual({
    id: whole.at(-1)?.id,
    event: 'done',
    data: await client.executions.get({ id: run.id }),
  });
  expect(whole.flatMap(({ event, data }) => (event === 'log' ? data.message : []))).toEqual(
    nodes.map(({ params }) => params.message),
  );
  const { fetch, connections } = breaking();
  const pieces: ExecutionEvent[] = [];
  for await (const event of createClient({ url: flowplane.url, token, fetch }).executions.events({ id: run.id })) {
    pieces.push(event);
  }
  expect(pieces).toEqual(whole);
  expect(connections()).toBeGreaterThan(2);
  const refused = client.executions.events({ id })[Symbol.asyncIterator]().next();
  await expect(refused).rejects.toMatchObject({ status: 404, code: 'not_found' });
}, 30_000);
