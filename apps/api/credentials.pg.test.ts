import { createClient } from '@flowplane/client';
import { startServer } from '@flowplane/egress/test-server';
import { afterAll, expect, test } from 'vitest';
import { dataDirectory, freePort, type Instance, owner, send, startInstance } from './test-process.ts';

const canary = 'CaNaRy-7f3kQ9vT0m7bXc1nZs5dLw8rY';
const forms = [canary, Buffer.from(canary).toString('base64').slice(0, 40), encodeURIComponent(`"${canary}`)];
const dataDir = dataDirectory();
const instances: Instance[] = [];

afterAll(async () => {
  for (const { child } of instances) child.kill('SIGKILL');
  await dataDir[Symbol.asyncDispose]();
});

async function start(settings: Record<string, string>): Promise<Instance> {
  const instance = startInstance({
    API_PORT: String(await freePort()),
    DATA_DIR: dataDir.path,
    LOG_LEVEL: 'debug',
    // Access tokens are of one issuer, whatever the port.
    PUBLIC_URL: 'http://flowplane.test',
    EGRESS_ALLOW_PRIVATE: '127.0.0.1',
    ...settings,
  });
  instances.push(instance);
  await instance.ready();
  return instance;
}

async function stop(instance: Instance): Promise<void> {
  instance.child.kill('SIGTERM');
  expect(await instance.ended, instance.output()).toBe(0);
}

test('SECRET_KEY can be changed: credentials and access tokens outlive it, and no log or answer ever has a secret', async () => {
  await using server = await startServer(
    ({ headers }, response) => {
      response.writeHead(headers.authorization === `Bearer ${canary}` ? 200 : 401).end(headers.authorization);
    },
    { host: '127.0.0.1' },
  );
  const host = `127.0.0.1:${server.port}`;
  const [oldKey, newKey] = ['the first secret key of this instance', 'the second secret key of this instance'];

  const first = await start({ SECRET_KEY: oldKey });
  const { accessToken: token } = await createClient({ url: first.url }).auth.login(owner);
  const answers: string[] = [];
  const ask = async (url: string, method: string, path: string, body: unknown) => {
    const headers = { authorization: `Bearer ${token}`, 'idempotency-key': crypto.randomUUID() };
    const answer = await send(`${url}${path}`, { method, body, headers });
    answers.push(answer.text, JSON.stringify([...answer.headers]));
    return answer;
  };
  const credential = { name: 'Echo', kind: 'bearer', values: { token: canary }, allowedHosts: [host] };
  const made = await ask(first.url, 'POST', '/api/v1/credentials', credential);
  expect(made.status, made.text).toBe(201);
  const path = String(made.headers.get('location'));
  expect(path).toMatch(/^\/api\/v1\/credentials\/[0-9a-f-]{36}$/);
  for (const wrong of [
    { ...credential, kind: canary },
    { ...credential, values: { token: `${canary}\n` } },
    { ...credential, more: canary },
  ]) {
    expect((await ask(first.url, 'POST', '/api/v1/credentials', wrong)).status).toBe(400);
  }
  await ask(first.url, 'POST', '/api/v1/credentials', `{"token": "${canary}", `);
  await ask(first.url, 'PATCH', path, { values: { token: canary } });
  const tested = async (instance: Instance) =>
    (await ask(instance.url, 'POST', `${path}/test`, { url: `http://${host}/` })).json;
  expect(await tested(first)).toEqual({ ok: true, status: 200, message: null });
  await stop(first);

  const second = await start({ SECRET_KEY: newKey, SECRET_KEY_PREVIOUS: oldKey });
  expect(await tested(second)).toMatchObject({ ok: true });
  await expect.poll(() => second.output()).toContain('re-encrypted with the new SECRET_KEY');
  await stop(second);

  const third = await start({ SECRET_KEY: newKey });
  expect(await tested(third)).toMatchObject({ ok: true });
  await stop(third);

  const told = [...answers, ...instances.map(({ output }) => output())].join('\n');
  expect(told).toContain('credentials');
  for (const form of forms) expect(told).not.toContain(form);
}, 60_000);
