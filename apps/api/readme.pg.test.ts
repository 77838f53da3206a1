import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

type Block = { language: string; text: string };
const blocks: Block[] = [...readme.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
/** What people run by hand first, and what runs this very test. */
const apart = ['npm start\n', 'npm test\n'];
const commands = blocks.filter(({ language, text }) => language === 'sh' && !apart.includes(text));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const started = { output: '', port: 0, stop: async () => {} };
const environment = () => ({
  PATH: `${resolve(process.execPath, '..')}:${readPath()}`,
  HOME: tmpdir(),
  OWNER_PASSWORD: 'a-password-of-the-test',
  FLOWPLANE_URL: `http://localhost:${started.port}`,
});

function readPath(): string {
  const line = readFileSync('/proc/self/environ', 'utf8')
    .split('\0')
    .find((entry) => entry.startsWith('PATH='));
  return line?.slice('PATH='.length) ?? '/usr/bin:/bin';
}

beforeAll(async () => {
  started.port = await freePort();
  const dataDir = mkdtempSync(join(tmpdir(), 'flowplane-readme-'));
  const child = spawn('npm', ['start'], {
    cwd: root,
    env: { ...environment(), API_PORT: String(started.port), DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  started.stop = async () => {
    child.kill('SIGTERM');
    await exited;
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      started.output += chunk;
    });
  }
  const ended = exited.then(() => Promise.reject(new Error(`npm start ended:\n${started.output}`)));
  const ready = new Promise<void>((ok) => {
    child.stdout.on('data', () => started.output.includes('Flowplane is ready') && ok());
  });
  await Promise.race([ready, ended]);
}, 90_000);

afterAll(() => started.stop(), 45_000);

test('npm start prints what the README shows', () => {
  const [shown] = blocks.filter(({ language }) => language === 'text');
  const said = started.output.replaceAll(String(started.port), '8000').split('\n');
  const lines = (shown?.text ?? '').split('\n').filter((line) => line.trim() !== '');
  const given = ['Sign in as', 'It is shown only this once'];
  for (const line of lines.filter((each) => !given.some((start) => each.trim().startsWith(start)))) {
    const pattern = line.replace(/ \([\d.]+ s\)$/, '');
    expect(
      said.find((each) => each.startsWith(pattern)),
      `${pattern}\nin\n${started.output}`,
    ).toBeDefined();
  }
  expect(lines.length).toBeGreaterThan(8);
});

test('every command of the README works, and answers what the README shows', async () => {
  const mark = '--- next block ---';
  const script = commands.map(({ text }) => `${text}\necho; echo '${mark}'`).join('\n');
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', script.replaceAll('localhost:8000', `localhost:${started.port}`)],
    { cwd: root, env: environment(), timeout: 60_000 },
  );
  const outputs = stdout.split(mark).map((output) => output.trim());
  expect(commands.length).toBeGreaterThanOrEqual(6);
  for (const [index, command] of commands.entries()) {
    const after = blocks[blocks.indexOf(command) + 1];
    const output = outputs[index] ?? '';
    expect(output, command.text).not.toContain('urn:flowplane:error');
    if (after?.language === 'json') expect(JSON.parse(output)).toEqual(JSON.parse(after.text));
  }
  const steps = outputs.find((output) => output.includes('"nodeId"')) ?? '{}';
  expect(
    JSON.parse(steps)
      .items.map((step: { status: string }) => step.status)
      .sort(),
  ).toEqual(['completed', 'completed', 'completed', 'skipped']);
});

test('the README names only files and scripts that are there', () => {
  for (const [, target = ''] of readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
    expect(existsSync(join(root, target)), target).toBe(true);
  }
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const [, name = ''] of readme.matchAll(/npm run (?:--silent )?(\w+)/g)) expect(scripts).toHaveProperty(name);
  expect(readFileSync(join(root, '.ci/run'), 'utf8')).toContain('npm test');
});
