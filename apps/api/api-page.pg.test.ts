import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './config.ts';
import { dataDirectory, freePort, type Instance, owner, startInstance } from './test-process.ts';

const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
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

test('every command of the page on the API answers what the page says', async () => {
  const mark = '--- next block ---';
  const script = commands.map((text) => `${text}\necho; echo '${mark}'`).join('\n');
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', script.replaceAll('localhost:8000', `localhost:${instance.port}`)],
    { env: { PATH: '/usr/local/bin:/usr/bin:/bin', OWNER_PASSWORD: owner.password }, timeout: 60_000 },
  );
  const [, refused = '', list = '', change = '', stream = ''] = stdout.split(mark).map((output) => output.trim());
  expect(JSON.parse(refused)).toMatchObject({ status: 400, errors: [{ path: 'limit' }] });
  expect(JSON.parse(list)).toMatchObject({ items: [{ status: 'completed' }] });
  expect(change).toBe('200');
  expect(stream).toMatch(/^retry: 1000\n/);
  expect(stream).toMatch(/^id: \d+\nevent: log\ndata: \{.*"message":"Here I am"/m);
  expect(stream).toMatch(/event: done\ndata: .*"status":"completed".*$/);
});
