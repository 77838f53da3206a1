import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { type Definition, ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, processesOn, send, startInstance } from './test-process.ts';

const dataDir = dataDirectory();
const instances: Instance[] = [];

async function start(): Promise<Instance> {
  const instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: dataDir.path });
  instances.push(instance);
  return instance;
}

afterAll(async () => {
  for (const { child } of instances) child.kill('SIGKILL');
  await dataDir[Symbol.asyncDispose]();
});

async function pathsOf(owner: Awaited<ReturnType<typeof ownerOf>>, id: string): Promise<string[]> {
  const { items } = await owner.client.executions.steps({ id });
  return items.map(({ path, status, attempt }) => `${path} ${status} ${attempt}`);
}

function countBy(seconds: number): Definition['nodes'] {
  return [
    { id: 'a', type: 'transform', params: { value: { n: '{{ input.n + 1 }}' } } },
    { id: 'wait', type: 'delay', params: { seconds } },
    { id: 'b', type: 'transform', params: { value: '{{ nodes.a.n * 2 }}' } },
  ];
}

const completed = ['a completed 1', 'wait completed 1', 'b completed 1'];

test('SIGTERM ends it with 0 and leaves no process; the next start has all data and makes no second sample', async () => {
  const first = await start();
  await first.ready();
  const owner = await ownerOf(first);
  const id = await owner.publish(countBy(0.1));
  const execution = await owner.client.workflows.execute({ id, input: { n: 1 }, wait: 10 });
  expect(execution.output).toBe(4);
  expect((await processesOn(dataDir.path)).length).toBeGreaterThan(0);

  const begun = performance.now();
  first.child.kill('SIGTERM');
  expect(await first.ended, first.output()).toBe(0);
  console.log(`SIGTERM to the end: ${Math.round(performance.now() - begun)} ms`);
  expect(await processesOn(dataDir.path)).toEqual([]);

  const second = await start();
  const took = await second.ready();
  console.log(`second start: ${Math.round(took)} ms`);
  expect(took).toBeLessThan(15_000);
  expect(second.output()).not.toMatch(/Sign in as|Sample workflow/);
  const again = await ownerOf(second);
  expect(await again.client.executions.get({ id: execution.id })).toEqual(execution);
  expect((await again.client.workflows.list({})).items.map(({ name }) => name)).toEqual(['Test', 'Order']);
}, 60_000);

test('a second instance on the same data is refused with what to do, and the first goes on', async () => {
  const [running] = instances.slice(-1);
  const other = await start();
  expect(await other.ended).toBe(1);
  expect(other.stderr()).toMatch(
    /^\nAnother Flowplane is running on .*Stop it first, or set DATA_DIR to another directory/,
  );
  expect(other.stderr().trim().split('\n')).toHaveLength(1);
  expect((await send(`${running?.url}/ready`)).status).toBe(200);
}, 30_000);

test('kill -9 during a wait: the next start completes it, and no step has run twice', async () => {
  const [running] = instances.filter(({ child }) => child.exitCode === null && child.signalCode === null);
  if (!running) throw new Error('the instance of the tests before is gone');
  const owner = await ownerOf(running);
  const id = await owner.publish(countBy(1.5));
  const ids: string[] = [];
  for (let n = 0; n < 10; n++) ids.push((await owner.client.workflows.execute({ id, input: { n } })).id);
  await expect.poll(async () => (await owner.client.executions.get({ id: ids[9] ?? '' })).status).toBe('waiting');
  running.child.kill('SIGKILL');
  await running.ended;

  const next = await start();
  const took = await next.ready();
  console.log(`start after kill -9: ${Math.round(took)} ms`);
  const begun = performance.now();
  const again = await ownerOf(next);
  for (const [n, execution] of ids.entries()) {
    const state = () => again.client.executions.get({ id: execution });
    await expect.poll(async () => (await state()).status, { timeout: 30_000 }).toBe('completed');
    expect((await state()).output).toBe((n + 1) * 2);
    expect(await pathsOf(again, execution)).toEqual(completed);
  }
  console.log(`10 executions healed ${Math.round(performance.now() - begun)} ms after it`);
}, 60_000);

test('SIGTERM answers those who wait for an execution, lets a running step finish, and is held up by no connection; the rest goes on later', async () => {
  const [running] = instances.slice(-1);
  if (!running) throw new Error('the instance of the test before is gone');
  const owner = await ownerOf(running);
  const waiting = await owner.publish(countBy(6));
  const busy = await owner.publish([
    { id: 'a', type: 'code', params: { code: 'const end = Date.now() + 1500; while (Date.now() < end); return 1' } },
    { id: 'b', type: 'transform', params: { value: '{{ nodes.a + 1 }}' } },
  ]);
  const answers = Promise.all([
    owner.client.workflows.execute({ id: waiting, input: { n: 1 }, wait: 60 }),
    owner.client.workflows.execute({ id: busy, wait: 60 }),
  ]);
  await expect
    .poll(async () => (await owner.client.executions.list({ workflowId: waiting })).items[0]?.status)
    .toBe('waiting');
  const silent = connect(running.port, 'localhost');
  await once(silent, 'connect');
  const begun = performance.now();
  running.child.kill('SIGTERM');
  const [late, interrupted] = await answers;
  expect(late.status).toBe('waiting');
  expect(interrupted.status).not.toBe('failed');
  expect(await running.ended, running.output()).toBe(0);
  const took = performance.now() - begun;
  silent.destroy();
  console.log(`SIGTERM with callers waiting for 60 s: ${Math.round(took)} ms`);
  expect(took).toBeLessThan(10_000);

  const next = await start();
  await next.ready();
  const again = await ownerOf(next);
  for (const { id, steps } of [
    { id: late.id, steps: completed },
    { id: interrupted.id, steps: ['a completed 1', 'b completed 1'] },
  ]) {
    const state = async () => (await again.client.executions.get({ id })).status;
    await expect.poll(state, { timeout: 25_000 }).toBe('completed');
    expect(await pathsOf(again, id)).toEqual(steps);
  }
}, 60_000);
