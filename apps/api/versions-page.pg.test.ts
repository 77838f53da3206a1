import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './config.ts';
import { dataDirectory, freePort, type Instance, owner, startInstance } from './test-process.ts';

const page = readFileSync(join(root, 'docs/versions.md'), 'utf8');
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

async function run(...texts: string[]): Promise<unknown[]> {
  const mark = '--- next block ---';
  const script = texts.map((text) => `${text}\necho; echo '${mark}'`).join('\n');
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', script.replaceAll('localhost:8000', `localhost:${instance.port}`)],
    {
      cwd: data.path,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', OWNER_PASSWORD: owner.password },
      timeout: 60_000,
    },
  );
  return stdout
    .split(mark)
    .slice(0, -1)
    .map((output): unknown => JSON.parse(output));
}

test('every command of the page on versions answers what the page says', async () => {
  const [published, versions, diff, back, tested, alone, validated, imported] = await run(...commands);
  expect(published).toMatchObject({ publishedVersion: 1 });
  expect(versions).toMatchObject({ items: [{ version: 1, note: 'Gold from 100 on' }] });
  expect(diff).toMatchObject({ nodes: { changed: [{ id: 'tier', changes: [{ path: '/params/value' }] }] } });
  expect(back).toMatchObject({ publishedVersion: 3 });
  expect(tested).toMatchObject({ trigger: 'test', output: 'gold', steps: [{ output: { total: 210 } }, {}] });
  expect(alone).toMatchObject({ output: 'basic' });
  expect(validated).toMatchObject({ valid: false, errors: [{ path: 'nodes[0].type' }] });
  expect(imported).toMatchObject({ name: 'Tiers', publishedVersion: null });
});
