import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './config.ts';
import { dataDirectory, freePort, type Instance, owner, startInstance } from './test-process.ts';

const page = readFileSync(join(root, 'docs/triggers.md'), 'utf8');
const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);

const data = dataDirectory();
let instance: Instance;

beforeAll(async () => {
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path });
  await instance.ready();
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await data[Symbol.asyncDispose]();
});

async function run(...texts: string[]): Promise<string[]> {
  const mark = '--- next block ---';
  const script = texts.map((text) => `${text}\necho; echo '${mark}'`).join('\n');
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', script.replaceAll('localhost:8000', `localhost:${instance.port}`)],
    { env: { PATH: '/usr/local/bin:/usr/bin:/bin', OWNER_PASSWORD: owner.password }, timeout: 60_000 },
  );
  return stdout.split(mark).map((output) => output.trim());
}

test('every command of the page on triggers answers what the page says', async () => {
  const [, signed = '', preview = '', schedules = '', first = '', again = '', event = ''] = await run(...commands);
  const answers = signed.split(/(?=HTTP\/1\.1 )/);
  expect(answers.map((answer) => answer.split(' ')[1])).toEqual(['200', '200']);
  for (const answer of answers) expect(answer).toContain('"210 for 1842"');
  const [id] = answers.map((answer) => /x-execution-id: (\S+)/.exec(answer)?.[1]);
  expect(answers[1]).toContain(`x-execution-id: ${id}`);
  expect(JSON.parse(preview).nextFireTimes).toHaveLength(10);
  expect(JSON.parse(schedules)).toMatchObject({ items: [{ triggerId: 'nightly', timezone: 'Europe/Paris' }] });
  const sent = JSON.parse(first);
  expect(sent).toMatchObject({ id: 'order-1842', executions: [expect.any(String)] });
  expect(JSON.parse(again)).toEqual(sent);
  expect(JSON.parse(event)).toMatchObject({ ...sent, event: 'order.created', data: { total: 210 } });
});

test('a running instance fires schedules', async () => {
  const [signIn = ''] = commands;
  const call = `curl -s http://localhost:8000/api/v1`;
  const as = `-H "authorization: Bearer $TOKEN"`;
  const everySecond = signIn.replace('0 3 * * *', '* * * * * *');
  const [, fired = ''] = await run(
    everySecond,
    `for _ in $(seq 100); do
      FIRED=$(${call}/executions?workflowId=$ID ${as}); case "$FIRED" in *schedule:nightly*) break;; esac; sleep 0.1
    done; echo "$FIRED"`,
  );
  expect(JSON.parse(fired).items[0]).toMatchObject({ trigger: 'schedule:nightly', version: 1 });
});
