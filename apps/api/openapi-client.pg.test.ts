import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Database, openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import type { OpenApiDocument } from '@flowplane/rest/openapi-rendering';
import { operationsOf } from '@flowplane/rest/operations';
import { appRouter } from '@flowplane/server/api';
import { startIssuers } from '@flowplane/server/auth/identities/test-issuers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataDirectory, freePort, type Instance, owner, send, startInstance } from './test-process.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const data = dataDirectory();
const issuers = await startIssuers();
const consumer = mkdtempSync(join(tmpdir(), 'flowplane-openapi-consumer-'));
let instance: Instance;
let stored: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;

// openapi-typescript writes through the compiler's JavaScript API, which TypeScript 7 no longer has.
registerHooks({
  resolve: (name, context, next) =>
    name === 'typescript' ? next('typescript-5', { ...context, parentURL: import.meta.url }) : next(name, context),
});

beforeAll(async () => {
  stored = await testDatabase();
  database = openDatabase(stored.url, { max: 1 });
  instance = startInstance({
    API_PORT: String(await freePort()),
    DATA_DIR: data.path,
    DATABASE_URL: stored.url,
    GUESTS: 'on',
    ...issuers.settings,
  });
  await instance.ready();
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await database.close();
  await Promise.all([data[Symbol.asyncDispose](), stored[Symbol.asyncDispose](), issuers[Symbol.asyncDispose]()]);
  rmSync(consumer, { recursive: true, force: true });
});

/** The requests that the instance logged as successes, as `GET /api/v1/…`. */
function succeeded(): string[] {
  return instance
    .output()
    .split('\n')
    .flatMap((line) => {
      if (!line.startsWith('{')) return [];
      const { method, path, status_code: status } = JSON.parse(line);
      return status < 300 ? [`${method} ${path}`] : [];
    });
}

/** The operations, without those that only repeat another, which no success was logged of. */
function untouched(document: OpenApiDocument): string[] {
  const seen = succeeded();
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (['get', 'post', 'put', 'patch', 'delete'] as const)
      .filter((method) => {
        const operation = item[method];
        if (!operation || 'x-alias-of' in operation) return false;
        const pattern = new RegExp(`^${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '[^/]+')}$`);
        return !seen.some((request) => pattern.test(request));
      })
      .map((method) => `${method} ${path}`),
  );
}

/** Uses the tokens that were mailed, or logged as there is no mail server: nobody else reads them. */
async function useMailedTokens(): Promise<void> {
  const tokens = () => [...instance.output().matchAll(/#token=(fp[vp]_[\w-]{43})/g)].map(([, token = '']) => token);
  const latest = (prefix: string) => tokens().findLast((token) => token.startsWith(prefix));
  await expect.poll(() => latest('fpp_'), { timeout: 10_000 }).toBeDefined();
  const password = 'correct horse battery staple';
  const answers = [
    await send(`${instance.url}/api/v1/auth/verify-email`, { body: { token: latest('fpv_') } }),
    await send(`${instance.url}/api/v1/auth/password/reset`, { body: { token: latest('fpp_'), password } }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([204, 204]);
}

async function tokenMailedTo(address: string): Promise<string> {
  const token = () => {
    const mails = instance.output().split('\n');
    const mail = mails.findLast((line) => line.includes(address) && line.includes('#token=fpi_'));
    return /#token=(fpi_[\w-]{43})/.exec(mail ?? '')?.[1];
  };
  await expect.poll(token, { timeout: 30_000 }).toBeDefined();
  return token() ?? '';
}

async function post(path: string, body: unknown, bearer?: string) {
  const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const { status, text } = await send(`${instance.url}/api/v1${path}`, { body, headers });
  return { status, answer: text === '' ? undefined : JSON.parse(text) };
}

/** Accepts the invitation that the round trip waits for, and leaves a team that has another admin. */
async function acceptInvitation(): Promise<void> {
  const account = { email: 'invited@example.com', password: 'correct horse battery staple' };
  const token = await tokenMailedTo(account.email);
  const { accessToken } = (await post('/auth/register', account)).answer;
  const preview = await post('/invitations/preview', { token });
  expect(preview).toMatchObject({ status: 200, answer: { role: 'deployer', email: account.email } });
  expect((await post('/invitations/accept', { token }, accessToken)).status).toBe(200);

  const own = await post('/teams', { name: 'Left' }, accessToken);
  const { id } = own.answer;
  await post(`/teams/${id}/invitations`, { email: owner.email, role: 'admin' }, accessToken);
  const { answer: signedIn } = await post('/auth/login', owner);
  const accepted = await post('/invitations/accept', { token: await tokenMailedTo(owner.email) }, signedIn.accessToken);
  expect(accepted).toMatchObject({ status: 200, answer: { id, role: 'admin' } });
  expect((await post(`/teams/${id}/leave`, {}, accessToken)).status).toBe(204);
}

test('a client generated from /openapi.json compiles, and every resource goes round through it', async () => {
  const { default: openapiTypescript, astToString } = await import('openapi-typescript');
  const { text } = await send(`${instance.url}/openapi.json`);
  // Else it takes fields with a default, which a request may leave out, for required ones.
  const types = await openapiTypescript(text, { defaultNonNullable: false, silent: true });
  writeFileSync(join(consumer, 'schema.ts'), astToString(types));
  cpSync(join(here, 'openapi-consumer/round-trip.ts'), join(consumer, 'round-trip.ts'));
  symlinkSync(join(here, 'node_modules'), join(consumer, 'node_modules'));
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ type: 'module' }));
  const compilerOptions = { lib: ['es2024', 'dom'] };
  const extended = join(here, '../../packages/config/tsconfig.json');
  writeFileSync(
    join(consumer, 'tsconfig.json'),
    JSON.stringify({ extends: extended, compilerOptions, include: ['.'] }),
  );

  const compiled = await run(join(here, 'node_modules/.bin/tsc'), ['-p', consumer]).catch((error) => error);
  expect(compiled.stdout).toBe('');
  const script = join(consumer, 'round-trip.ts');
  const running = run(process.execPath, [script, instance.url, owner.email, owner.password]).catch((error) => error);
  await Promise.race([acceptInvitation(), running]);
  const ran = await running;
  expect(ran.stderr).toBe('');
  expect(ran.stdout).toBe('every resource went round\n');
  await useMailedTokens();
  const document: OpenApiDocument = JSON.parse(text);
  expect(Object.keys(document.paths ?? {}).length).toBeGreaterThan(15);
  await expect.poll(() => untouched(document)).toEqual([]);
}, 60_000);

/** Mutations for anybody that the audit log has no row of when they succeed, and why. */
const unrecorded = { 'auth.refresh': 'the session goes on as it was; a token that comes again is an event' };

test('every mutation that went round is in the audit log, unless its meta says that it is not audited', async () => {
  const rows = await database.db.selectFrom('audit_events').select('action').where('outcome', '=', 'done').execute();
  const recorded = new Set(rows.map(({ action }) => action));
  const missing = operationsOf(appRouter)
    .filter(({ type, meta }) => type === 'mutation' && !('audit' in meta && meta.audit === false))
    .filter(({ procedure }) => !recorded.has(procedure));
  expect(missing.map(({ procedure }) => procedure)).toEqual(Object.keys(unrecorded));
});
