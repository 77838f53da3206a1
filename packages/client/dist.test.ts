import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { build } from 'rolldown';
import { afterAll, expect, test, vi } from 'vitest';
import { compile, type compilers, installedFile, makeConsumerProject } from './build/consumer-project.ts';
import { component, program } from './test-readme.ts';
import { serveApi } from './test-server.ts';

// Compilers and bundlers take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const here = import.meta.dirname;
const project = makeConsumerProject();
const { installed } = project;
afterAll(() => project[Symbol.dispose]());

/** The errors of a strict project that has installed the package: no Node types, no tRPC, no zod. */
function typeCheck(source: string, compiler: keyof typeof compilers = '7'): string {
  project.write('main.ts', source);
  const { errors, milliseconds } = project.typeCheck('main.ts', compiler);
  console.log(`type-check of a project that uses the SDK, TypeScript ${compiler}: ${Math.round(milliseconds)} ms`);
  return errors;
}

const sameType = `
    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    function same<A, B>(_: Same<A, B>): void {}
`;

/** What a module imports; a procedure may be called `import` too. */
function importsOf(text: string): string[] {
  const found = text.matchAll(/^import .*?['"]([^'"]+)['"];$|\bimport\(['"]([^'"]+)/gm);
  return [...found].map(([, one, other]) => one ?? other ?? '').sort();
}

test('the tarball holds the programs, their types and the README; React is wanted only by those who use it', () => {
  expect(readdirSync(installed).sort()).toEqual(['README.md', 'dist', 'package.json']);
  const files = ['index.d.ts', 'index.js', 'react.d.ts', 'react.js'];
  expect(readdirSync(join(installed, 'dist')).sort()).toEqual(files);
  const manifest = JSON.parse(installedFile(project, 'package.json'));
  expect(Object.keys(manifest.dependencies).sort()).toEqual(['@trpc/client', 'superjson']);
  expect(Object.keys(manifest.peerDependencies).sort()).toEqual(['@tanstack/react-query', 'react']);
  expect(manifest.peerDependenciesMeta).toEqual({
    '@tanstack/react-query': { optional: true },
    react: { optional: true },
  });
  expect(JSON.stringify(manifest.dependencies)).not.toMatch(/catalog:|workspace:/);
  expect(manifest.exports).toEqual({
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './react': { types: './dist/react.d.ts', default: './dist/react.js' },
  });
});

test('the types name nothing of the server’s, and the programs nothing of Node’s', () => {
  const strange = /@flowplane\/|\bkysely\b|\bpg\b|node:|\bzod\b|@trpc|[:<|] ?any\b/;
  expect(installedFile(project, 'dist/index.d.ts')).not.toMatch(strange);
  expect(importsOf(installedFile(project, 'dist/index.d.ts'))).toEqual([]);
  const reactTypes = installedFile(project, 'dist/react.d.ts');
  expect(reactTypes).not.toMatch(strange);
  expect(importsOf(reactTypes)).toEqual(['./index.js', '@tanstack/react-query']);
  const program = installedFile(project, 'dist/index.js');
  const react = installedFile(project, 'dist/react.js');
  expect(importsOf(program)).toEqual(['@trpc/client', 'superjson']);
  expect(importsOf(react)).toEqual(['@tanstack/react-query', 'react']);
  expect(program + react).not.toMatch(/\b(process|Buffer|require|__dirname)\b/);
});

test('a bundle with everything in it is at most 25 KB, and what the React entry adds at most 3 KB', async () => {
  project.write('all.ts', "export * from '@flowplane/client';");
  project.write('react.ts', "export * from '@flowplane/client/react';");
  const { gzip } = await project.bundle('all.ts');
  const react = await project.bundle('react.ts', ['react', '@tanstack/react-query']);
  const shown = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB gzip`;
  console.log(`SDK with its dependencies, by Vite: ${shown(gzip)}; its React entry: ${shown(react.gzip)}`);
  expect(gzip).toBeLessThanOrEqual(25 * 1024);
  expect(react.gzip).toBeLessThanOrEqual(3 * 1024);
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

test.each(['5.9', '7'] as const)('a strict project outside sees exact types, with TypeScript %s', (compiler) => {
  const source = readFileSync(join(here, 'test-consumer/sdk.txt'), 'utf8');
  expect(typeCheck(sameType + source, compiler)).toBe('');
});

test('the types that were written out are those of the API’s router', () => {
  const folder = join(here, 'dist/same');
  mkdirSync(folder);
  const source = `
    import type * as Api from '../../api.ts';
    import type * as Built from '../index.d.ts';
    import type { FlowplaneQueries } from '../../react/api.ts';
    import type { FlowplaneQueries as BuiltQueries } from '../react.d.ts';
    ${sameType}
    same<Api.Inputs, Built.Inputs>(true);
    same<Api.Outputs, Built.Outputs>(true);
    same<Api.KnownErrorCode, Built.KnownErrorCode>(true);
    same<Api.ErrorCodes, Built.ErrorCodes>(true);
    export const client: (from: Api.Client) => Built.Client = (from) => from;
    export const back: (from: Built.Client) => Api.Client = (from) => from;
    export const queries: (from: FlowplaneQueries) => BuiltQueries = (from) => from;
    export const queriesBack: (from: BuiltQueries) => FlowplaneQueries = (from) => from;
    `;
  writeFileSync(join(folder, 'same.ts'), source);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', files: ['same.ts'], include: [] }),
  );
  const errors = compile(folder, '7').split('\n');
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

test('an app with React and the component of the README see exact types, and Vite builds them', async () => {
  project.addReact();
  const source = readFileSync(join(here, 'test-consumer/app.txt'), 'utf8');
  project.write('main.tsx', sameType + source);
  for (const compiler of ['7', '5.9'] as const) {
    const { errors, milliseconds } = project.typeCheck('main.tsx', compiler);
    console.log(
      `type-check of an app that uses the React entry, TypeScript ${compiler}: ${Math.round(milliseconds)} ms`,
    );
    expect(errors).toBe('');
  }
  project.write('main.tsx', component);
  expect(project.typeCheck('main.tsx', '7').errors).toBe('');
  project.write('main.tsx', source);
  const { code } = await project.bundle('main.tsx');
  expect(code).toContain('text/event-stream');
});
