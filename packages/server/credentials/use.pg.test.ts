import { randomUUID } from 'node:crypto';
import { startServer, type TestServer } from '@flowplane/egress/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, problemOf, testApi } from '../test-api.ts';
import { credentialsFor } from './port.ts';
import { openVault } from './test-vault.ts';
import { credentialsOf, useCredential } from './use.ts';

const secret = 'canary-3kQ9vT0m7bXc1nZs5dLw8rYp2';
const environment = new Map([
  ['SHOP_TOKEN', 'from-the-environment'],
  ['BROKEN', 'two\nlines'],
]);

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
let eve: Awaited<ReturnType<typeof api.member>>;
let server: TestServer;
const received: { url: string | undefined; authorization: string | undefined }[] = [];

beforeAll(async () => {
  const references = ['env:SHOP_TOKEN@api.shop.example', 'env:GONE@api.shop.example', 'env:BROKEN@api.shop.example'];
  api = await testApi({ vault: { references, environment: (name) => environment.get(name) } });
  ann = await api.member();
  eve = await api.member();
  server = await startServer(
    ({ url, headers }, response) => {
      received.push({ url, authorization: headers.authorization });
      const [, status = '200'] = url?.split(/[/?]/) ?? [];
      response.writeHead(Number(status), status === '302' ? { location: 'https://evil.test/' } : {});
      response.end(`the body repeats ${headers.authorization}`);
    },
    { host: '127.0.0.1' },
  );
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const host = 'api.shop.example';

function use(id: string, url = `https://${host}/orders`, teamId = ann.principal.teamId) {
  return useCredential(api.vault, { teamId, id, url });
}

async function bearer(token = secret, allowedHosts = [host]): Promise<string> {
  return (await ann.api.credentials.create({ name: 'b', kind: 'bearer', values: { token }, allowedHosts })).id;
}

test('each kind adds to a request what it stands for', async () => {
  const allowedHosts = [host];
  const made = async (input: Parameters<typeof ann.api.credentials.create>[0]) =>
    use((await ann.api.credentials.create(input)).id);
  expect(await use(await bearer())).toEqual({
    headers: { authorization: `Bearer ${secret}` },
    query: {},
    secretHeaders: ['authorization'],
  });
  const basic = { username: 'ada', password: 'pass:wörd' };
  expect(await made({ name: 'k', kind: 'basic', values: basic, allowedHosts })).toMatchObject({
    headers: { authorization: `Basic ${Buffer.from('ada:pass:wörd').toString('base64')}` },
  });
  const header = { name: 'X-Key', value: secret };
  expect(await made({ name: 'k', kind: 'header', values: header, allowedHosts })).toEqual({
    headers: { 'x-key': secret },
    query: {},
    secretHeaders: ['x-key'],
  });
  const query = { name: 'key', value: secret };
  expect(await made({ name: 'k', kind: 'query', values: query, allowedHosts })).toEqual({
    headers: {},
    query: { key: secret },
    secretHeaders: [],
  });
});

test('threat 24: a credential is given for its hosts only', async () => {
  const id = await bearer(secret, ['api.shop.example', '*.eu.shop.example']);
  for (const url of ['https://API.shop.example./a', 'http://api.shop.example/', 'https://a.eu.shop.example:443/']) {
    expect((await use(id, url)).headers.authorization, url).toContain(secret);
  }
  for (const url of [
    'https://evil.test/',
    'https://eu.shop.example/',
    'https://api.shop.example.evil.test/',
    'https://api.shop.example@evil.test/',
    'https://evil.test/?https://api.shop.example/',
    'https://api.shop.example:8443/',
    'ftp://api.shop.example/',
    'api.shop.example',
    '',
  ]) {
    await expect(use(id, url), url).rejects.toMatchObject({ code: 'credential_host_not_allowed' });
  }
});

test('another team’s credential is like none', async () => {
  const id = await bearer();
  const nowhere = randomUUID();
  const foreign = use(id, undefined, eve.principal.teamId);
  await expect(foreign).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining(id) });
  await expect(use(nowhere)).rejects.toMatchObject({ code: 'not_found' });
  const ids = [id, id.toUpperCase(), nowhere, 'no id', ''];
  expect([...(await credentialsOf(api.vault, ann.principal.teamId, ids)).keys()]).toEqual([id]);
  expect((await credentialsOf(api.vault, eve.principal.teamId, ids)).size).toBe(0);
});

test('what is not sent in requests is not given to any', async () => {
  const { id } = await ann.api.credentials.create({ name: 'w', kind: 'webhookSecret', values: { secret } });
  await expect(use(id)).rejects.toMatchObject({ code: 'credential_host_not_allowed' });
  const values = { tokenUrl: `https://${host}/token`, clientId: 'c', clientSecret: secret };
  const oauth = await ann.api.credentials.create({
    name: 'o',
    kind: 'oauth2ClientCredentials',
    values,
    allowedHosts: [host],
  });
  await expect(use(oauth.id)).rejects.toMatchObject({ code: 'invalid_input' });
});

test('a use is noted, without a new revision', async () => {
  const id = await bearer();
  await use(id);
  const { lastUsedAt, revision } = await ann.api.credentials.get({ id });
  expect(lastUsedAt).toBeInstanceOf(Date);
  expect(revision).toBe(1);
});

test('a value may name a variable that the operator lets be sent to the host', async () => {
  const id = await bearer('env:SHOP_TOKEN');
  expect((await use(id)).headers).toEqual({ authorization: 'Bearer from-the-environment' });
  for (const [name, hosts] of [
    ['env:SECRET_KEY', [host]],
    ['env:SHOP_TOKEN', ['evil.test']],
    ['env:SHOP_TOKEN', [host, 'evil.test']],
    ['env:PATH', [host]],
  ] as const) {
    const values = { token: name };
    const refused = ann.api.credentials.create({ name: 'b', kind: 'bearer', values, allowedHosts: [...hosts] });
    expect(await problemOf(refused)).toMatchObject({ status: 400, errors: [{ path: 'values.token' }] });
  }
});

test('a variable that is gone, unfit or no longer allowed is refused by its name', async () => {
  await expect(use(await bearer('env:GONE'))).rejects.toMatchObject({
    code: 'credential_unreadable',
    message: expect.stringContaining('env:GONE'),
  });
  const broken = await use(await bearer('env:BROKEN')).catch((error: unknown) => error);
  expect(broken).toMatchObject({ code: 'credential_unreadable' });
  expect(String(broken)).not.toContain('lines');
  const id = await bearer('env:SHOP_TOKEN');
  await using stricter = openVault(api.url, { environment: (name) => environment.get(name) });
  await expect(
    useCredential(stricter, { teamId: ann.principal.teamId, id, url: `https://${host}/` }),
  ).rejects.toMatchObject({ code: 'credential_unreadable' });
});

test('a redactor knows the secrets of a run’s credentials, named ones too, and no other team’s', async () => {
  const ids = [await bearer(), await bearer('env:SHOP_TOKEN'), 'no id', randomUUID()];
  const credentials = credentialsFor(api.vault);
  const { json } = await credentials.open(ann.principal.teamId, ids);
  expect(json({ a: `Bearer ${secret}`, b: 'from-the-environment' })).toEqual({
    a: 'Bearer [redacted]',
    b: '[redacted]',
  });
  const foreign = await credentials.open(eve.principal.teamId, ids);
  expect(foreign.json([secret])).toEqual([secret]);
});

test('a redactor learns a secret that was replaced meanwhile, and keeps the one before', async () => {
  const id = await bearer(secret);
  const credentials = await credentialsFor(api.vault).open(ann.principal.teamId, [id]);
  const replacement = 'replaced-8vT0m7bXc1nZs5dLw8rYp2hJ';
  await ann.api.credentials.update({ id, values: { token: replacement } });
  const { headers } = await credentials.use(id, `https://${host}/`);
  expect(headers.authorization).toBe(`Bearer ${replacement}`);
  expect(credentials.text(`${secret} ${replacement}`)).toBe('[redacted] [redacted]');
});

test('a test sends the credential and tells the status, never the body', async () => {
  const own = `127.0.0.1:${server.port}`;
  const id = await bearer(secret, [own]);
  expect(await ann.api.credentials.test({ id, url: `http://${own}/200` })).toEqual({
    ok: true,
    status: 200,
    message: null,
  });
  expect(received.at(-1)).toMatchObject({ authorization: `Bearer ${secret}` });
  expect(await ann.api.credentials.test({ id, url: `http://${own}/401`, method: 'POST' })).toEqual({
    ok: false,
    status: 401,
    message: null,
  });
  expect(await ann.api.credentials.test({ id, url: `http://${own}/302` })).toMatchObject({ ok: true, status: 302 });
  const values = { name: 'the key', value: 'a&b' };
  const query = await ann.api.credentials.create({ name: 'q', kind: 'query', values, allowedHosts: [own] });
  await ann.api.credentials.test({ id: query.id, url: `http://${own}/200?x=1` });
  expect(received.at(-1)?.url).toBe('/200?x=1&the+key=a%26b');
});

test('threat 24: a test goes to allowed hosts only, through the guard', async () => {
  const before = server.connections();
  const id = await bearer(secret, [host, '10.0.0.1']);
  const elsewhere = problemOf(ann.api.credentials.test({ id, url: `http://127.0.0.1:${server.port}/200` }));
  expect(await elsewhere).toMatchObject({ status: 403, code: 'credential_host_not_allowed' });
  expect(server.connections()).toBe(before);
  const guarded = await ann.api.credentials.test({ id, url: 'http://10.0.0.1/' });
  expect(guarded).toMatchObject({ ok: false, status: null, message: expect.stringContaining('10.0.0.1') });
  const foreign = call(eve.as(eve.principal), 'credentials.test', { id, url: `https://${host}/` });
  expect(await problemOf(foreign)).toMatchObject({ status: 404 });
});
