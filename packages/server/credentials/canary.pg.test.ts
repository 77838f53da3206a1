import { randomUUID } from 'node:crypto';
import type { credentialKinds } from '@flowplane/contract/credential-kinds';
import { errorCodes } from '@flowplane/contract/errors';
import { startServer } from '@flowplane/egress/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, problemOf, testApi } from '../test-api.ts';
import { rotateKeys } from './rotate.ts';
import { openVault } from './test-vault.ts';

const canary = 'CaNaRy-7f3kQ9vT0m7bXc1nZs5dLw8rY';
const forms = [
  canary,
  Buffer.from(canary).toString('base64'),
  Buffer.from(canary).toString('base64url'),
  // What base64 makes of it at the two other places within a text, and of its first half.
  Buffer.from(`xx${canary}`).toString('base64').slice(4, 40),
  Buffer.from(`x${canary}`).toString('base64').slice(4, 40),
  canary.slice(0, 16),
  Buffer.from(canary).toString('hex'),
];

/** Everything that anybody was told or shown. */
const seen: unknown[] = [];
const onError = (error: unknown) => seen.push(error, String(error), error instanceof Error && error.stack);

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
let server: Awaited<ReturnType<typeof startServer>>;
let host: string;
beforeAll(async () => {
  api = await testApi({ vault: { onError } });
  ann = await api.member();
  server = await startServer(({ headers, url }, response) => response.end(JSON.stringify({ headers, url })), {
    host: '127.0.0.1',
  });
  host = `127.0.0.1:${server.port}`;
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const valuesOf: Record<keyof typeof credentialKinds, () => Record<string, string>> = {
  bearer: () => ({ token: canary }),
  basic: () => ({ username: 'ada', password: canary }),
  header: () => ({ name: 'X-Key', value: canary }),
  query: () => ({ name: 'key', value: canary }),
  oauth2ClientCredentials: () => ({ tokenUrl: `http://${host}/token`, clientId: 'c', clientSecret: canary }),
  webhookSecret: () => ({ secret: canary }),
};

/** Calls a procedure, also with an idempotency key, and keeps whatever comes back. */
async function ask(path: string, input: object): Promise<unknown> {
  const ctx = ann.as(ann.principal);
  ctx.request.idempotencyKey = JSON.stringify([path, input]).replaceAll(canary, 'canary').slice(0, 250);
  try {
    const answer = await call(ctx, path, input);
    seen.push(answer, ctx.response);
    return answer;
  } catch (error) {
    seen.push(await problemOf(Promise.reject(error)));
    // What is logged when it is not a refusal.
    if (error instanceof Error) seen.push(String(error), error.stack, String(error.cause));
    return undefined;
  }
}

function idOf(answer: unknown): string {
  return answer && typeof answer === 'object' && 'id' in answer ? String(answer.id) : '';
}

async function dump(): Promise<string> {
  const { pool } = api.database;
  const tables = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const texts = await Promise.all(
    tables.rows.map(async ({ name }) => (await pool.query(`select t::text from ${name} t`)).rows),
  );
  expect(tables.rows.map(({ name }) => name)).toContain('public.credentials');
  return JSON.stringify(texts);
}

test('a secret is in no answer, error, report or table, in none of its forms', async () => {
  for (const [kind, values] of Object.entries(valuesOf)) {
    const allowedHosts = kind === 'webhookSecret' ? [] : [host];
    const made = await ask('credentials.create', { name: kind, kind, values: values(), allowedHosts });
    const id = idOf(made);
    expect(id, kind).not.toBe('');
    await ask('credentials.create', { name: kind, kind, values: values(), allowedHosts });
    await ask('credentials.get', { id });
    await ask('credentials.list', {});
    await ask('credentials.update', { id, name: 'Renamed' });
    await ask('credentials.update', { id, values: values(), revision: 2 });
    await ask('credentials.replace', { id, name: 'Again', values: values(), allowedHosts });
    await ask('credentials.test', { id, url: `http://${host}/` });
    // And whatever goes wrong.
    const broken = Object.fromEntries(Object.entries(values()).map(([name, value]) => [name, `${value}\r\n\0`]));
    await ask('credentials.create', { name: kind, kind, values: broken, allowedHosts });
    await ask('credentials.create', {
      name: kind,
      kind: 'bearer',
      values: { ...values(), more: canary },
      allowedHosts,
    });
    await ask('credentials.create', { name: kind, kind, values: values(), allowedHosts: ['no host', ...allowedHosts] });
    await ask('credentials.update', { id, values: broken });
    await ask('credentials.update', { id, allowedHosts: ['evil.test'] });
    await ask('credentials.update', { id, values: { nonsense: canary } });
    await ask('credentials.update', { id, values: values(), revision: 1 });
    await ask('credentials.test', { id, url: 'http://evil.test/' });
    await ask('credentials.test', { id, url: `http://${host}:1/` });
    await api.database.db.updateTable('credentials').set({ sealed: 'AAAA' }).where('id', '=', id).execute();
    await ask('credentials.test', { id, url: `http://${host}/` });
    await ask('credentials.update', { id, values: values() });
  }
  // The audit log has what was tried, too.
  const { email } = (await ann.api.users.me()).user;
  await ask('auth.login', { email, password: canary });
  await ask('users.changePassword', { currentPassword: canary, newPassword: canary });
  await ask('auth.apiKeys.revoke', { id: canary });
  await ask('workflows.get', { id: canary });
  await ask('credentials.delete', { id: randomUUID() });
  await using other = openVault(api.url, {
    secretKey: 'another secret key, long enough too',
    previousSecretKey: 'a secret key of tests, long enough',
    onError,
  });
  expect((await rotateKeys(other)).rotated).toBeGreaterThan(5);

  const told = JSON.stringify(seen);
  const codes = Object.keys(errorCodes).filter((code) => told.includes(`"code":"${code}"`));
  expect(codes).toEqual(
    expect.arrayContaining([
      'invalid_input',
      'credential_host_not_allowed',
      'precondition_failed',
      'credential_unreadable',
    ]),
  );
  const stored = await dump();
  expect(stored).toContain('Renamed');
  const { items } = await ann.api.audit.list({ limit: 100 });
  expect(items.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual(
    expect.arrayContaining(['credentials.replace done', 'auth.login refused', 'users.changePassword refused']),
  );
  for (const form of forms) {
    expect(told, form).not.toContain(form);
    expect(stored, form).not.toContain(form);
  }
  expect(server.requests.length).toBeGreaterThan(0);
});
