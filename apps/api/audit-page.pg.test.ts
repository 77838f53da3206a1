import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './config.ts';
import { dataDirectory, freePort, type Instance, owner, send, startInstance } from './test-process.ts';

const page = readFileSync(join(root, 'docs/audit.md'), 'utf8');

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);
}

const data = dataDirectory();
let stored: Awaited<ReturnType<typeof testDatabase>>;
let instance: Instance;

beforeAll(async () => {
  stored = await testDatabase();
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path, DATABASE_URL: stored.url });
  await instance.ready();
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await Promise.all([data[Symbol.asyncDispose](), stored[Symbol.asyncDispose]()]);
});

test('every command of the page on the audit log answers what the page says', async () => {
  const mark = '--- next block ---';
  const script = blocks('sh')
    .map((text) => `${text}\necho; echo '${mark}'`)
    .join('\n');
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', script.replaceAll('localhost:8000', `localhost:${instance.port}`)],
    {
      cwd: data.path,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', OWNER_PASSWORD: owner.password },
      timeout: 60_000,
    },
  );
  const answers = stdout.split(mark).slice(0, -1);
  expect(answers.map((text): unknown => JSON.parse(text))).toEqual(
    blocks('json').map((text): unknown => JSON.parse(text)),
  );
});

test('the statement of the page finds those who tried an email that nobody has', async () => {
  const body = { email: 'nobody@example.com', password: 'a password of nobody' };
  expect((await send(`${instance.url}/api/v1/auth/login`, { body })).status).toBe(401);
  const { pool, close } = openDatabase(stored.url, { max: 1 });
  const [statement = ''] = blocks('sql');
  const { rows } = await pool.query(statement);
  await close();
  expect(rows).toMatchObject([{ ip: '127.0.0.1' }]);
});
