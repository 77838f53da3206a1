import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Definition, ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const data = dataDirectory();
let instance: Instance;
let signedIn: Awaited<ReturnType<typeof ownerOf>>;
let echo: string;

beforeAll(async () => {
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path });
  await instance.ready();
  signedIn = await ownerOf(instance);
  echo = await signedIn.publish([{ id: 'a', type: 'transform', params: { value: '{{ input }}' } }], {
    triggers: [{ id: 'hook', type: 'webhook', path: 'echo', method: 'POST', respond: 'result' }],
  });
});
afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await data[Symbol.asyncDispose]();
});

type Kind = { path: () => string; type: string; wrap: (json: string) => string; strict?: true };

/** One route of each kind that reads a body; `strict` where unknown keys are refused. */
const kinds: Record<string, Kind> = {
  'a call of REST': { path: () => '/api/v1/workflows', type: 'application/json', wrap: (json) => json, strict: true },
  'a call of REST without signing in': {
    path: () => '/api/v1/auth/login',
    type: 'application/json',
    wrap: (json) => json,
    strict: true,
  },
  'a call of REST that takes any JSON': {
    path: () => `/api/v1/workflows/${echo}/execute`,
    type: 'application/json',
    wrap: (json) => `{"input":${json}}`,
  },
  'a call of tRPC': {
    path: () => '/trpc/workflows.create',
    type: 'application/json',
    wrap: (json) => `{"json":${json}}`,
    strict: true,
  },
  'a batch of tRPC': {
    path: () => '/trpc/workflows.create,workflows.create?batch=1',
    type: 'application/json',
    wrap: (json) => `{"0":{"json":${json}},"1":{"json":${json}}}`,
    strict: true,
  },
  'a webhook': { path: () => `/hooks/${signedIn.slug}/echo`, type: 'application/json', wrap: (json) => json },
  'the OAuth token endpoint': {
    path: () => '/api/v1/auth/token',
    type: 'application/x-www-form-urlencoded',
    wrap: (json) => `grant_type=password&username=${encodeURIComponent(json)}&password=x`,
  },
  'the page of an approval': {
    path: () => '/approvals/no-such-token',
    type: 'application/x-www-form-urlencoded',
    wrap: (json) => `comment=${encodeURIComponent(json)}`,
  },
};

type Raw = { status: number | undefined; text: string };

/** Sends bytes as they are, a length announced or not. Status 0: the server hung up, and its answer was lost with what was under way. */
function post(path: string, chunks: Iterable<Buffer>, headers: Record<string, string>): Promise<Raw> {
  return new Promise((resolve) => {
    const request = httpRequest(`${instance.url}${path}`, { method: 'POST', headers, agent: false });
    let answered = false;
    request.on('response', (response) => {
      answered = true;
      let text = '';
      const done = () => resolve({ status: response.statusCode, text });
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', done).once('error', done);
    });
    request.on('error', (error) => {
      if (!answered) resolve({ status: 0, text: String(error) });
    });
    void (async () => {
      for (const chunk of chunks) {
        // An answer that came is read before more is written: a server that hangs up would take it away.
        await setTimeout(1);
        if (answered || request.destroyed) break;
        await new Promise((next) => request.write(chunk, next));
      }
      request.end();
    })();
  });
}

async function residentMegabytes(): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(instance.child.pid)]);
  return Number(stdout) / 1_024;
}

/** Pieces of a text as they may be sent. */
function pieces(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) => bytes.subarray(i * piece, (i + 1) * piece));
}

const piece = 131_072;
const megabyte = 1_048_576;

test('threat 5: bodies of 20 MB, announced or not, and bombs are refused on every kind of route, and fill no memory', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * megabyte));
  const huge = pieces('x'.repeat(20 * megabyte));
  async function all(): Promise<void> {
    for (const [kind, { path, type }] of Object.entries(kinds)) {
      const headers = { ...signedIn.bearer, 'content-type': type };
      const length = String(20 * megabyte);
      const announced = await post(path(), [], { ...headers, 'content-length': length, expect: '100-continue' });
      expect(announced.status, `${kind}, announced`).toBe(413);
      expect([413, 0], `${kind}, in chunks`).toContain((await post(path(), huge, headers)).status);
      const packed = await post(path(), [bomb], { ...headers, 'content-encoding': 'gzip' });
      expect([400, 404, 413, 415, 0], `${kind}, packed: ${packed.status}`).toContain(packed.status);
    }
  }
  // What the first time costs is code that was never run before.
  await all();
  const before = await residentMegabytes();
  let most = before;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) most = Math.max(most, await residentMegabytes());
  })();
  for (let round = 0; round < 3; round += 1) await all();
  isOver = true;
  await watching;
  expect(most - before).toBeLessThan(50);
}, 60_000);

const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
const manyKeys = `{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`).join()}}`;

test.each<[string, string]>([
  ['JSON 100,000 deep', deep],
  ['an object 100,000 deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['ninety thousand keys', manyKeys],
  ['a million keys', `{${Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":1`).join()}}`],
  ['a number of 300,000 digits', `{"name":${'9'.repeat(300_000)}}`],
  ['half of a surrogate pair', '{"name":"\\ud800","email":"\\ud800@example.com","password":"\\udc00"}'],
  ['NUL', '{"name":"a\\u0000b","email":"a\\u0000@example.com","password":"\\u0000"}'],
  ['nothing but an opening', '['],
  ['a byte order mark', '\ufeff{}'],
])(
  'threat 6: %s is refused or taken as what it is on every kind of route, never a failure of ours',
  async (what, json) => {
    for (const [kind, { path, type, wrap, strict }] of Object.entries(kinds)) {
      const headers = { ...signedIn.bearer, 'content-type': type };
      const answer = await post(path(), pieces(wrap(json)), headers);
      // What an author lets a webhook or an execution take may be any JSON that can be stored.
      const allowed = strict ? [400, 413, 207, 0] : [200, 202, 400, 401, 404, 413, 0];
      expect(allowed, `${what} to ${kind}: ${answer.status} ${answer.text.slice(0, 200)}`).toContain(answer.status);
      if (answer.status === 207) expect(answer.text).not.toMatch(/"httpStatus":5/);
    }
    expect((await send(`${instance.url}/ready`)).status).toBe(200);
  },
);

test('threat 6: bytes that are no UTF-8 are refused or replaced on every kind of route', async () => {
  for (const [kind, { path, type, wrap }] of Object.entries(kinds)) {
    const [start = '', end = ''] = wrap('"~"').split(/~|%7E/);
    const body = [Buffer.from(start), Buffer.from([0xff, 0xc0, 0x80]), Buffer.from(end)];
    const { status } = await post(path(), body, { ...signedIn.bearer, 'content-type': type });
    expect(status, kind).toBeLessThan(500);
  }
});

test('threat 7: keys that lead to a prototype are refused in a query string and in a body', async () => {
  const refused = [
    '__proto__=1',
    '__proto__[polluted]=1',
    'constructor[prototype][polluted]=1',
    '__proto__.polluted=1',
    'limit[__proto__]=1',
  ];
  for (const query of refused) {
    const answer = await send(`${instance.url}/api/v1/workflows?${query}`, { headers: signedIn.bearer });
    expect([answer.status, answer.json], query).toMatchObject([400, { code: 'unknown_parameter' }]);
  }
  const evil = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  const { bearer: headers, slug } = signedIn;
  const rest = await send(`${instance.url}/api/v1/workflows/${echo}/execute`, { body: `{"input":${evil}}`, headers });
  expect([rest.status, rest.json]).toMatchObject([400, { code: 'invalid_json' }]);
  const calls = `{"json":{"id":"${echo}","input":${evil}}}`;
  const trpc = await send(`${instance.url}/trpc/workflows.execute`, { body: calls, headers });
  expect(trpc.status).toBe(400);
  const hook = await send(`${instance.url}/hooks/${slug}/echo`, { body: evil });
  expect([hook.status, hook.json]).toMatchObject([400, { code: 'invalid_json' }]);
  const look = await signedIn.publish([
    { id: 'a', type: 'code', params: { code: 'return [({}).polluted ?? null, [].polluted ?? null]' } },
    { id: 'b', type: 'transform', params: { value: '{{ input.polluted ?? "clean" }}' } },
  ]);
  const { output } = await signedIn.client.workflows.execute({ id: look, input: {}, wait: 10 });
  expect(output).toBe('clean');
});

test('threat 8: a value that superjson says is no text is refused where a text is expected', async () => {
  const claims: [string, unknown][] = [
    ['regexp', '/a/'],
    ['map', [['a', 1]]],
    ['set', ['a']],
    ['Error', { name: 'Error', message: 'a' }],
    ['Date', '2026-01-01T00:00:00.000Z'],
    ['bigint', '9'.repeat(1_000)],
    ['URL', 'https://example.com/'],
    ['number', 'NaN'],
    ['undefined', null],
  ];
  for (const [type, name] of claims) {
    const meta = { values: { name: [type] } };
    const body = { json: { name, definition: { nodes: [] } }, meta };
    const answer = await send(`${instance.url}/trpc/workflows.create`, { body, headers: signedIn.bearer });
    expect(answer.status, `${type}: ${answer.text.slice(0, 300)}`).toBe(400);
  }
  for (const path of ['__proto__.polluted', 'constructor.prototype.polluted', 'name.__proto__.polluted']) {
    const body = {
      json: { name: 'x' },
      meta: { values: { [path]: ['Date'] }, referentialEqualities: { name: [path] } },
    };
    const answer = await send(`${instance.url}/trpc/workflows.create`, { body, headers: signedIn.bearer });
    expect(answer.status, path).toBe(400);
  }
});

test('threat 9: a body of another type, or of none, is refused or read no differently, on every kind of route', async () => {
  const json = '{"name":"Confused","definition":{"nodes":[]},"files":[{"filepath":"/etc/passwd"}]}';
  const multipart = '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nConfused\r\n--b--\r\n';
  const bodies: [string | undefined, string][] = [
    ['text/plain', json],
    ['application/x-www-form-urlencoded', 'name=Confused'],
    ['multipart/form-data; boundary=b', multipart],
    ['multipart/form-data; boundary=b', json],
    ['application/octet-stream', json],
    ['application/jsonx', json],
    ['application/json\t', json],
    [' application/json', json],
    ['application/json; charset=utf-16', json],
    ['application/JSON ; charset=UTF-8', json],
    ['text/json', json],
    ['application/xml', json],
    [undefined, json],
  ];
  const asJson = new Map<string, number | undefined>();
  for (const [kind, { path, type, wrap }] of Object.entries(kinds)) {
    const usual = await post(path(), [Buffer.from(wrap(json))], { ...signedIn.bearer, 'content-type': type });
    asJson.set(kind, usual.status);
  }
  for (const [kind, { path, type, wrap }] of Object.entries(kinds)) {
    for (const [given, text] of bodies) {
      if (given === type) continue;
      const body = text === json ? wrap(json) : text;
      const headers = { ...signedIn.bearer, ...(given === undefined ? {} : { 'content-type': given }) };
      const { status, text: answer } = await post(path(), [Buffer.from(body)], headers);
      const same = kind === 'a webhook' ? [200, 400] : [asJson.get(kind)];
      expect([415, ...same], `${JSON.stringify(given)} to ${kind}: ${status} ${answer.slice(0, 200)}`).toContain(
        status,
      );
      // A webhook takes text for a text: what looks like JSON in it is no object with files.
      if (kind === 'a webhook' && status === 200 && !/json/i.test(given ?? '')) {
        expect(answer, String(given)).not.toContain('filepath":');
      }
    }
  }
  const { items } = await signedIn.client.workflows.list({});
  expect(items.filter(({ name }) => name === 'Confused')).toEqual([]);
});

/** Takes exponentially long with a backtracking engine: 2^40 steps. */
const endless = '{{ /^(a+)+$/.test(input.text) }}';
const hostile = `${'a'.repeat(40)}!`;

test.each<[string, Definition['nodes'][number]]>([
  ['the condition of an if', { id: 'a', type: 'if', params: { condition: endless } }],
  ['a case of a switch', { id: 'a', type: 'switch', params: { value: 1, cases: [{ port: 'x', when: endless }] } }],
  ['a filter', { id: 'a', type: 'filter', params: { items: [1, 2], where: endless } }],
  ['code', { id: 'a', type: 'code', params: { code: 'return /^(a+)+$/.test(input.text)', timeoutSeconds: 2 } }],
])(
  'threat 12: an endless pattern in %s fails its step, and the server answers meanwhile',
  async (_, node) => {
    const id = await signedIn.publish([node]);
    let isOver = false;
    const run = signedIn.client.workflows.execute({ id, input: { text: hostile }, wait: 60 }).finally(() => {
      isOver = true;
    });
    let answers = 0;
    do {
      expect((await send(`${instance.url}/ready`)).status).toBe(200);
      if (!isOver) answers += 1;
    } while (!isOver);
    expect(await run).toMatchObject({ status: 'failed', error: { nodeId: 'a' } });
    // It takes its whole time; were the loop held up, there would be one answer.
    expect(answers).toBeGreaterThan(3);
  },
  60_000,
);

test('threat 12: long texts where a pattern, a path, a time or a name is read are refused at once', async () => {
  const long = 'a'.repeat(100_000);
  const { bearer, slug } = signedIn;
  const api = (path: string, body: unknown) => send(`${instance.url}/api/v1${path}`, { body, headers: bearer });
  const path = Array.from({ length: 8 }, (_, i) => `:p${i}`).join('/');
  await signedIn.publish([{ id: 'a', type: 'transform', params: { value: 1 } }], {
    triggers: [{ id: 'hook', type: 'webhook', path: `deep/${path}`, method: 'POST', respond: 'result' }],
  });
  const answers = [
    await api('/auth/login', { email: `${long}@example.com`, password: 'x' }),
    await api('/auth/login', { email: `${'a.'.repeat(50_000)}@`, password: 'x' }),
    await api('/auth/password/forgot', { email: `a@${'a-'.repeat(50_000)}.com` }),
    await api('/schedules/preview', { cron: long }),
    await api('/schedules/preview', { cron: `${'*/1,'.repeat(25_000)}* * * * *` }),
    await api('/schedules/preview', { cron: '0 3 * * *', timezone: long }),
    await api('/credentials', {
      name: 'x',
      kind: 'bearer',
      values: { token: 'x' },
      allowedHosts: ['*.'.repeat(50_000)],
    }),
    await api('/events', { event: `${'a.'.repeat(50_000)}!` }),
    await send(`${instance.url}/hooks/${slug}/${'deep/'.repeat(2_000)}`, { method: 'POST' }),
    await send(`${instance.url}/hooks/${'-'.repeat(10_000)}/echo`, { method: 'POST' }),
    await send(`${instance.url}/hooks/${slug}/deep/${'%2e%2e%2f'.repeat(500)}`, { method: 'POST' }),
    await send(`${instance.url}/api/v1/workflows`, { headers: { authorization: `Bearer${' '.repeat(8_000)}` } }),
    await send(`${instance.url}/api/v1/workflows`, { headers: { cookie: `${'session=;'.repeat(800)}` } }),
    await send(`${instance.url}/api/v1/workflows/x`, {
      headers: { ...bearer, 'if-none-match': `"${',"'.repeat(3_000)}` },
    }),
  ];
  for (const { status, text } of answers) {
    expect(status, text.slice(0, 300)).toBeGreaterThanOrEqual(400);
    expect(status, text.slice(0, 300)).toBeLessThan(500);
  }
});

/** The body that a path is answered with, sent as it is written. */
function get(path: string): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: instance.port, path, headers: signedIn.bearer });
    request.on('error', reject).on('response', async (response) => {
      resolve({ status: response.statusCode, text: await text(response) });
    });
    request.end();
  });
}

test('path traversal: no way to write a path leads out of what is served', async () => {
  const canary = `canary-${randomUUID()}`;
  writeFileSync(join(data.path, 'canary'), canary);
  const file = join(data.path, 'canary').slice(1);
  const ups = [
    '../',
    '..%2f',
    '%2e%2e/',
    '%2e%2e%2f',
    '%252e%252e%252f',
    '..\\',
    '..%5c',
    '....//',
    '.%00./',
    '%c0%ae%c0%ae/',
  ];
  const below = ['/docs/', '/redoc/', `/hooks/${signedIn.slug}/`, '/approvals/', '/api/v1/workflows/', '/trpc/', '/'];
  for (const start of below) {
    for (const up of ups) {
      for (const path of [
        `${start}${up.repeat(12)}${file}`,
        `${start}${up.repeat(12)}${file.replaceAll('/', '%2f')}`,
      ]) {
        const answer = await get(path);
        expect([400, 404], `${path}: ${answer.status}`).toContain(answer.status);
        expect(answer.text).not.toContain(canary);
      }
    }
    for (const path of [`${start}/${file}`, `${start}%00${file}`, `${start}file:///${file}`]) {
      expect((await get(path)).text, path).not.toContain(canary);
    }
  }
});

test('crash by one packet: broken requests end their own connection and nothing else', async () => {
  const { connect } = await import('node:net');
  const packets = [
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'POST /trpc/users.me HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'GET /ws/logs/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n\xff\xff\xff',
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\n${'x: y\r\n'.repeat(20_000)}\r\n`,
    'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n',
    'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    '\0\0\0\0',
  ];
  for (const packet of packets) {
    await new Promise<void>((resolve) => {
      const socket = connect(instance.port, '127.0.0.1', () => socket.end(packet, 'latin1'));
      socket.resume();
      socket.once('close', () => resolve()).once('error', () => resolve());
      socket.setTimeout(5_000, () => socket.destroy());
    });
  }
  expect((await send(`${instance.url}/ready`)).status).toBe(200);
  expect(instance.child.exitCode).toBeNull();
});
