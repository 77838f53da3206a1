import { randomUUID } from 'node:crypto';
import { Refusal } from '@flowplane/contract/errors';
import { type Json, json } from '@flowplane/contract/json';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { Credentials } from './credentials.ts';
import type { Engine } from './engine.ts';
import { NodeError } from './node-error.ts';
import { defineNode } from './node-type.ts';
import { type Bench, eventually, openBench, settled } from './testing/engine.ts';
import { basics } from './testing/nodes.ts';

const secret = 'canary-3kQ9vT0m7bXc1nZs5dLw8rYp2';
const mark = '[redacted]';
const own = randomUUID();

/** One credential of one team, in a store that may be away. */
let isAway = false;
let asked = 0;
const text = (given: string) => given.replaceAll(secret, mark);
const credentials: Credentials = {
  async known(_, ids) {
    asked += 1;
    return new Map(ids.filter((id) => id === own).map((id) => [id, true]));
  },
  async open() {
    asked += 1;
    if (isAway) throw new Refusal('unavailable', 'The store is away.');
    return {
      text,
      json: (value) => JSON.parse(text(JSON.stringify(value))),
      async use(id, url) {
        if (url.includes('evil')) throw new Refusal('credential_host_not_allowed', `${id} may not be sent there.`);
        return { headers: { authorization: secret }, query: {}, secretHeaders: ['authorization'] };
      },
    };
  },
};

const about = { title: 'For a test', description: 'For a test', credential: true };

/** What a node does with its secret is as bad as can be: it gives it away in every way there is. */
const leaky = defineNode({
  ...about,
  type: 'leaky',
  params: z.strictObject({ how: z.string(), url: z.string().default('https://a.example/'), given: json.default(null) }),
  effect: true,
  async run({ how, url }, { credential, log }) {
    const { authorization = 'none' } = (await credential?.(url))?.headers ?? {};
    log('info', `said ${authorization}`, { authorization });
    switch (how) {
      case 'throw':
        throw new NodeError('leaked', `${'x'.repeat(1_990)}${authorization}`);
      case 'break':
        throw new Error(`broken by ${authorization}`);
      case 'wait':
        return { output: null, suspend: { kind: 'approval', request: { title: authorization } } };
      default:
        return {
          output: { [authorization]: [authorization] },
          respond: { status: 200, headers: { 'x-a': authorization }, body: authorization },
        };
    }
  },
});

let bench: Bench;
let engine: Engine;
beforeAll(async () => {
  bench = await openBench();
  engine = bench.engine([...basics, leaky], { credentials });
  engine.work();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  asked = 0;
});

const leak = (how: string, more: { [key: string]: Json } = {}) => ({
  id: 'leak',
  type: 'leaky',
  params: { how, ...more },
  credentialId: own,
});

async function stored(): Promise<string> {
  const tables = ['executions', 'steps', 'logs', 'waits'];
  const texts = await Promise.all(
    tables.map(async (name) => (await bench.database.pool.query(`select t::text from ${name} t`)).rows),
  );
  return JSON.stringify(texts);
}

test('what a node gives, logs and answers is without its secret, and so is what others see of it', async () => {
  const answers: unknown[] = [];
  const request = await bench.request({
    nodes: [leak('give'), { id: 'after', type: 'value', params: { value: '{{ nodes.leak }}' } }],
    edges: [{ from: 'leak', to: 'after' }],
  });
  const ended = await settled(await engine.start({ ...request, onRespond: (answer) => answers.push(answer) }));
  expect(ended.output).toEqual({ [mark]: [mark] });
  expect(answers).toEqual([{ status: 200, headers: { 'x-a': mark }, body: mark }]);
  expect(await bench.logs(ended.id)).toMatchObject([{ message: `said ${mark}`, data: { authorization: mark } }]);
  expect(await stored()).not.toContain(secret);
});

test('a failure is told without its secret, also where it is cut off; what breaks is reported without', async () => {
  const failed = await bench.run(engine, { nodes: [leak('throw')] });
  expect(failed.error?.code).toBe('leaked');
  expect(failed.error?.message.slice(1_990)).toBe(mark);
  expect((await bench.run(engine, { nodes: [leak('break')] })).error?.code).toBe('internal');
  const [error] = bench.errors.splice(0);
  expect(error).toMatchObject({ message: `broken by ${mark}` });
  expect(String(error instanceof Error && error.stack)).not.toContain(secret);
  expect(await stored()).not.toContain('canary');
});

test('what a wait asks is without the secret', async () => {
  const { execution } = await engine.start(await bench.request({ nodes: [leak('wait')] }));
  await eventually(async () => (await bench.execution(execution.id)).status === 'waiting');
  const { rows } = await bench.database.pool.query('select request from waits where execution_id = $1', [execution.id]);
  expect(rows).toEqual([{ request: { title: mark } }]);
  await engine.cancel(bench.teamId, execution.id);
});

test('a secret that came in with the input goes no further than the input', async () => {
  const definition = {
    nodes: [
      leak('give', { given: '{{ input }}' }),
      {
        id: 'loop',
        type: 'each',
        params: {
          items: ['{{ input }}'],
          body: { nodes: [{ ...leak('give', { given: '{{ item }}' }), id: 'inner' }], output: '{{ item + input }}' },
        },
      },
    ],
    output: '{{ input }}',
  };
  const ended = await bench.run(engine, definition, secret);
  expect(ended).toMatchObject({ status: 'completed', output: mark });
  const steps = await bench.steps(ended.id);
  expect(steps.map(({ path }) => path).sort()).toEqual(['leak', 'loop', 'loop[0]', 'loop[0].inner']);
  expect(JSON.stringify(steps)).not.toContain(secret);
});

test('a refusal of the credential is the node’s failure, with its code', async () => {
  const failed = await bench.run(engine, { nodes: [leak('give', { url: 'https://evil.example/' })] });
  expect(failed.error).toEqual({
    code: 'credential_host_not_allowed',
    message: `${own} may not be sent there.`,
    nodeId: 'leak',
  });
});

test('threat 2: an execution whose definition names a credential that the team does not have does not begin', async () => {
  const foreign = randomUUID();
  const failed = await bench.run(engine, {
    nodes: [
      {
        id: 'loop',
        type: 'each',
        params: { items: [1], body: { nodes: [{ ...leak('give'), credentialId: foreign }] } },
      },
    ],
  });
  expect(failed.error).toMatchObject({ code: 'invalid_workflow', message: expect.stringContaining(foreign) });
  expect(await bench.steps(failed.id)).toEqual([]);
});

test('while the credentials’ store is away an execution waits, and that counts as no crash', async () => {
  isAway = true;
  const { execution } = await engine.start(await bench.request({ nodes: [leak('give')] }));
  await eventually(async () => (await bench.execution(execution.id)).fence !== '1');
  const { pool } = bench.database;
  for (let looks = 1; looks <= 4; looks++) {
    const { fence } = await bench.execution(execution.id);
    await pool.query('update executions set due_at = now() where id = $1 and worker is null', [execution.id]);
    await eventually(async () => Number((await bench.execution(execution.id)).fence) >= Number(fence) + 2);
  }
  expect(await bench.execution(execution.id)).toMatchObject({ status: 'pending', worker: null, crashes: 0 });
  isAway = false;
  await pool.query('update executions set due_at = now() where id = $1', [execution.id]);
  expect((await engine.wait(bench.teamId, execution.id, 10_000))?.status).toBe('completed');
});

test('an execution that names no credential asks for none', async () => {
  const ended = await bench.run(engine, { nodes: [{ id: 'a', type: 'value', params: { value: secret } }] });
  expect(ended).toMatchObject({ status: 'completed', output: secret });
  expect(asked).toBe(0);
});
