import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OpenApiDocument } from '@flowplane/rest/openapi-rendering';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataDirectory, freePort, type Instance, owner, send, startInstance } from './test-process.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const data = dataDirectory();
const consumer = mkdtempSync(join(tmpdir(), 'flowplane-openapi-consumer-'));
let instance: Instance;

// openapi-typescript writes through the compiler's JavaScript API, which TypeScript 7 no longer has.
registerHooks({
  resolve: (name, context, next) =>
    name === 'typescript' ? next('typescript-5', { ...context, parentURL: import.meta.url }) : next(name, context),
});

beforeAll(async () => {
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path });
  await instance.ready();
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await data[Symbol.asyncDispose]();
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
  const ran = await run(process.execPath, [script, instance.url, owner.email, owner.password]).catch((error) => error);
  expect(ran.stderr).toBe('');
  expect(ran.stdout).toBe('every resource went round\n');
  await useMailedTokens();
  const document: OpenApiDocument = JSON.parse(text);
  expect(Object.keys(document.paths ?? {}).length).toBeGreaterThan(15);
  await expect.poll(() => untouched(document)).toEqual([]);
}, 60_000);
