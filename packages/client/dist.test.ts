import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from './test-readme.ts';
import { serveApi } from './test-server.ts';

const here = import.meta.dirname;
const project = realpathSync(mkdtempSync(join(tmpdir(), 'flowplane-client-')));
const installed = join(project, 'node_modules/@flowplane/client');
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc');

beforeAll(() => {
  execFileSync(process.execPath, ['build/build.ts'], { cwd: here });
  const packed = execFileSync('pnpm', ['pack', '--json', '--pack-destination', project], {
    cwd: here,
    encoding: 'utf8',
  });
  const { filename }: { filename: string } = JSON.parse(packed);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', filename, '--strip-components=1', '-C', installed]);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** The errors of a strict project that has installed the package and nothing else: no Node types, no tRPC, no zod. */
function typeCheck(source: string): string {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2022',
    module: 'nodenext',
    types: [],
  };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
  writeFileSync(join(project, 'main.ts'), source);
  return compile(project);
}

function compile(folder: string): string {
  try {
    return execFileSync(process.execPath, [tsc, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) return String(error.stdout);
    throw error;
  }
}

const sameType = `
    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    function same<A, B>(_: Same<A, B>): void {}
`;

test('the tarball holds the program, its types and the README, and wants only tRPC’s client and superjson', () => {
  expect(readdirSync(installed).sort()).toEqual(['README.md', 'dist', 'package.json']);
  expect(readdirSync(join(installed, 'dist')).sort()).toEqual(['index.d.ts', 'index.js']);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  expect(Object.keys(manifest.dependencies).sort()).toEqual(['@trpc/client', 'superjson']);
  expect(JSON.stringify(manifest.dependencies)).not.toMatch(/catalog:|workspace:/);
  expect(manifest.exports).toEqual({ '.': { types: './dist/index.d.ts', default: './dist/index.js' } });
});

test('the types name nothing of the server’s, and the program nothing of Node’s', () => {
  const types = readFileSync(join(installed, 'dist/index.d.ts'), 'utf8');
  expect(types).not.toMatch(/@flowplane\/|\bkysely\b|\bpg\b|node:|\bzod\b|@trpc|\bimport\b|[:<|] ?any\b/);
  const program = readFileSync(join(installed, 'dist/index.js'), 'utf8');
  const imports = [...program.matchAll(/\bfrom\s*"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g)].map(
    ([, one, other]) => one ?? other,
  );
  expect(imports.sort()).toEqual(['@trpc/client', 'superjson']);
  expect(program).not.toMatch(/\b(process|Buffer|require|__dirname)\b/);
});

test('a bundle with everything in it is at most 25 KB', async () => {
  const { output } = await build({
    input: join(here, 'dist/index.js'),
    platform: 'browser',
    output: { minify: true },
    write: false,
  });
  const size = gzipSync(output[0].code).length;
  console.log(`SDK with its dependencies, minified: ${(size / 1024).toFixed(1)} KB gzip`);
  expect(output).toHaveLength(1);
  expect(size).toBeLessThanOrEqual(25 * 1024);
});

test('the built program calls a server and exports what the source does', async () => {
  await using server = await serveApi();
  const built: typeof import('./index.ts') = await import(join(here, 'dist/index.js'));
  const source = await import('./index.ts');
  expect(Object.keys(built).sort()).toEqual(Object.keys(source).sort());
  const client = built.createClient({ url: server.url });
  expect((await client.workflows.list()).nextCursor).toBe('20');
  const refused = client.workflows.get({ id: '0b671a64-40d5-491e-99b0-da01ff1f3341' });
  await expect(refused).rejects.toBeInstanceOf(built.FlowplaneError);
});

test('a bundle runs where there is nothing of Node’s, as in browsers and Deno', async () => {
  await using server = await serveApi((turn) => (turn === 0 ? (_, response) => response.destroy() : undefined));
  const { output } = await build({
    input: join(here, 'dist/index.js'),
    platform: 'browser',
    output: { format: 'iife', name: 'sdk' },
    write: false,
  });
  const web = {
    fetch,
    URL,
    Headers,
    FormData,
    Blob,
    AbortController,
    AbortSignal,
    DOMException,
    crypto,
    setTimeout,
    clearTimeout,
  };
  const use = `(async () => {
    const session = { accessToken: 'access-old', refreshToken: 'refresh-0' };
    const client = sdk.createClient({ url: '${server.url}', session });
    const execution = await client.workflows.execute({ id: '1b671a64-40d5-491e-99b0-da01ff1f3341', wait: 0 });
    const ended = await execution.wait();
    let items = 0;
    for await (const _ of client.workflows.list.all()) items++;
    return JSON.stringify({ status: ended.status, items });
  })()`;
  const result: unknown = await runInNewContext(`${output[0].code}; ${use}`, web);
  expect(result).toBe('{"status":"failed","items":250}');
});

test('a strict project outside sees exact types', () => {
  const started = performance.now();
  const errors = typeCheck(`
    import { createClient, FlowplaneError } from '@flowplane/client';
    import type * as Sdk from '@flowplane/client';

    ${sameType}
    const client = createClient({ url: 'https://flowplane.example.com', token: async () => 'token' });
    const { signal } = new AbortController();
    const workflow = await client.workflows.create({ name: 'a', definition: { nodes: [{ id: 'a', type: 'log' }] } });
    const execution = await client.workflows.execute({ id: workflow.id, wait: 10 }, { signal });
    const page = await client.executions.list();
    await client.auth.logout();
    for await (const item of client.workflows.list.all()) same<typeof item, Sdk.WorkflowSummary>(true);
    for await (const item of client.executions.steps.all({ id: execution.id }, { signal })) same<typeof item, Sdk.Step>(true);
    createClient({ url: '', session: await client.auth.login({ email: '', password: '' }) });
    const key = await client.auth.apiKeys.create({ name: 'ci', expiresAt: new Date() });

    same<typeof workflow, Sdk.Workflow>(true);
    same<typeof workflow, Sdk.Outputs['workflows']['get']>(true);
    same<typeof execution, Sdk.ExecutionHandle>(true);
    same<Awaited<ReturnType<typeof execution.wait>>, Sdk.Execution>(true);
    same<Sdk.Execution, Sdk.Outputs['workflows']['execute']>(true);
    same<typeof workflow.createdAt, Date>(true);
    same<typeof workflow.publishedVersion, number | null>(true);
    same<typeof execution.output, Sdk.Json>(true);
    same<Sdk.Json, null | boolean | number | string | Sdk.Json[] | { [key: string]: Sdk.Json }>(true);
    same<typeof execution.status, 'pending' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'>(true);
    same<Sdk.Step['status'], typeof execution.status | 'skipped'>(true);
    same<(typeof page)['items'], Sdk.ExecutionSummary[]>(true);
    same<typeof key.expiresAt, Date | null>(true);
    same<Sdk.Inputs['auth']['login'], { email: string; password: string }>(true);
    same<string extends Sdk.KnownErrorCode ? true : false, false>(true);
    same<FlowplaneError['requestId'], string | undefined>(true);
    `);
  console.log(`type-check of a project that uses the SDK: ${Math.round(performance.now() - started)} ms`);
  expect(errors).toBe('');
});

test('the types that were written out are those of the API’s router', () => {
  const folder = join(here, 'dist/same');
  mkdirSync(folder);
  const source = `
    import type * as Api from '../../api.ts';
    import type * as Built from '../index.d.ts';
    ${sameType}
    same<Api.Inputs, Built.Inputs>(true);
    same<Api.Outputs, Built.Outputs>(true);
    same<Api.KnownErrorCode, Built.KnownErrorCode>(true);
    export const client: (from: Api.Client) => Built.Client = (from) => from;
    export const back: (from: Built.Client) => Api.Client = (from) => from;
    `;
  writeFileSync(join(folder, 'same.ts'), source);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', files: ['same.ts'], include: [] }),
  );
  const errors = compile(folder).split('\n');
  rmSync(folder, { recursive: true });
  expect(errors.filter((line) => /^(same\.ts|error)/.test(line))).toEqual([]);
});

test('the program of the README compiles', () => {
  expect(typeCheck(program)).toBe('');
});

/** What is wrong, an expression that does it, and what the compiler says. */
const mistakes: [string, string, string][] = [
  ['an input that must be given', 'client.workflows.get()', 'Expected 1-2 arguments'],
  ['a misspelt field', 'client.workflows.list({ limits: 1 })', "'limits' does not exist"],
  ['an unknown procedure', 'client.workflows.remove({ id })', "'remove' does not exist"],
  ['a wrong kind of value', "client.auth.apiKeys.create({ name: 'a', tier: 'huge' })", 'TS2322'],
  [
    'a key for a call that does not honour it',
    "client.auth.login({ email: '', password: '' }, { idempotencyKey: 'a' })",
    "'idempotencyKey' does not exist",
  ],
  ['going through what is no list', 'client.workflows.get.all({ id })', "'all' does not exist"],
  ['going through the steps of no execution', 'client.executions.steps.all()', 'Expected 1-2 arguments'],
  ['a secret that only creating shows', '(await client.auth.apiKeys.list()).items[0]?.key', "'key' does not exist"],
];

test('mistakes are compile errors', () => {
  const lines = mistakes.map(([, expression]) => `void (${expression});`);
  const setup =
    "import { createClient } from '@flowplane/client'; const client = createClient({ url: '' }); const id = '';";
  const errors = typeCheck([setup, ...lines, 'void id;'].join('\n')).split('\n');
  for (const [index, [what, , message]] of mistakes.entries()) {
    const error = errors.find((each) => each.startsWith(`main.ts(${index + 2},`));
    expect(error, what).toContain(message);
  }
});
