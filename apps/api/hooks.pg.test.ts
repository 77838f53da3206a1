import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Definition, ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, send, startInstance } from './test-process.ts';

const data = dataDirectory();
let instance: Instance;
let owner: Awaited<ReturnType<typeof ownerOf>>;

beforeAll(async () => {
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path });
  await instance.ready();
  owner = await ownerOf(instance);
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await data[Symbol.asyncDispose]();
});

const at = (path: string) => `${instance.url}/hooks/${owner.slug}/${path}`;

type Hook = Extract<NonNullable<Definition['triggers']>[number], { type: 'webhook' }>;

/** Publishes a workflow that answers with a value on a webhook. */
function answering(value: unknown, hook: Partial<Hook> & { path: string }): Promise<string> {
  const trigger: Hook = { id: 'in', type: 'webhook', method: 'POST', respond: 'result', ...hook };
  return owner.publish([{ id: 'a', type: 'transform', params: { value: value as string } }], { triggers: [trigger] });
}

test('a path’s parameters stand for one segment each; text comes before them, then the later publication', async () => {
  await answering('{{ "any " + run.request.params.id }}', { path: 'shop/:id', method: 'GET' });
  await answering('static', { path: 'shop/new', method: 'GET' });
  await answering('{{ run.request.params.shop + " " + run.request.params.id }}', { path: ':shop/:id', method: 'GET' });
  await answering('{{ "line of " + run.request.params.id }}', { path: 'shop/:id/lines', method: 'GET' });
  const answers = [
    ['shop/new', 'static'],
    ['shop/17', 'any 17'],
    ['shop/a%2Fb%20%C3%A9', 'any a/b é'],
    ['shop/:id', 'any :id'],
    ['other/17', 'other 17'],
    ['shop/17/lines', 'line of 17'],
  ];
  for (const [path = '', answer] of answers) expect((await send(at(path))).json, path).toBe(answer);
  for (const path of ['shop', 'shop/', 'shop/17/', 'shop//lines', 'shop/17/lines/1', 'Shop/17/lines']) {
    expect((await send(at(path))).status, path).toBe(404);
  }
  await answering('later', { path: 'shop/:other', method: 'GET' });
  expect((await send(at('shop/17'))).json).toBe('later');
});

test('expressions see the request, without what says who the caller is; the body alone is the input', async () => {
  await answering({ request: '{{ run.request }}', input: '{{ input }}' }, { path: 'seen/:a', method: 'PUT' });
  const answer = await send(`${at('seen/1')}?q=x&q=y`, {
    method: 'PUT',
    body: { n: 1 },
    headers: {
      'X-Shop': '7',
      authorization: 'Bearer nothing',
      cookie: 'a=b',
      'x-api-key': 'k',
      'webhook-signature': 's',
    },
  });
  expect(answer.json).toMatchObject({
    input: { n: 1 },
    request: {
      method: 'PUT',
      path: 'seen/1',
      params: { a: '1' },
      query: { q: ['x', 'y'] },
      headers: { 'x-shop': '7' },
    },
  });
  const { request } = answer.json as { request: { headers: object } };
  for (const name of ['authorization', 'cookie', 'x-api-key', 'webhook-signature', 'connection']) {
    expect(request.headers, name).not.toHaveProperty(name);
  }
  expect((await send(`${at('seen/1')}?q=%00`, { method: 'PUT', body: 1 })).json).toMatchObject({ code: 'bad_request' });
  expect((await send(at('seen/%00'), { method: 'PUT', body: 1 })).json).toMatchObject({ code: 'bad_request' });
});

test('threat 9: forms, text and bytes are inputs too; what is compressed, untyped or in parts is refused', async () => {
  await answering('{{ input }}', { path: 'bodies' });
  const post = (type: string | undefined, body: string, more: Record<string, string> = {}) =>
    send(at('bodies'), { body, headers: { ...(type !== undefined && { 'content-type': type }), ...more } });
  expect((await post('application/x-www-form-urlencoded', 'a=1&a=2&b=x+y')).json).toEqual({ a: ['1', '2'], b: 'x y' });
  expect((await post('text/xml', '<a/>')).json).toBe('<a/>');
  expect((await post('application/octet-stream', 'hi')).json).toEqual({
    contentType: 'application/octet-stream',
    base64: 'aGk=',
  });
  for (const [type, more] of [
    ['multipart/form-data; boundary=x', {}],
    ['application/json; charset=utf-16', {}],
    ['', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ] as const) {
    const answer = await post(type, '{}', more);
    expect(answer, type).toMatchObject({ status: 415, json: { code: 'unsupported_media_type' } });
  }
  const large = await post('application/octet-stream', 'x'.repeat(900_000));
  expect(large).toMatchObject({ status: 413, json: { code: 'payload_too_large' } });
});

test('threat 36: a signature is over the bytes that were sent; without one the answer is a 401 with problem details', async () => {
  const secret = 'a-secret-of-the-tests';
  const { id: credentialId } = await owner.client.credentials.create({
    name: 'Sender',
    kind: 'webhookSecret',
    values: { secret },
    allowedHosts: [],
  });
  const verify = { scheme: 'hmac' as const, credentialId, signatureHeader: 'X-Signature' };
  const id = await answering('{{ [input, run.request.headers] }}', { path: 'signed', verify });
  const body = '{ "n" : 1.0,\n "é": "\\u00e9" }';
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const answer = await send(at('signed'), { body, headers: { 'x-signature': signature } });
  expect(answer).toMatchObject({ status: 200, json: [{ n: 1, é: 'é' }, {}] });
  expect(answer.text).not.toContain(signature);
  for (const [text, headers] of [
    [JSON.stringify(JSON.parse(body)), { 'x-signature': signature }],
    [body, {}],
    ['{', { 'x-signature': signature }],
  ] as const) {
    const refused = await send(at('signed'), { body: text, headers });
    expect(refused).toMatchObject({ status: 401, json: { code: 'invalid_signature', status: 401 } });
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
  }
  await owner.client.workflows.delete({ id });
  expect((await send(at('signed'), { body, headers: { 'x-signature': signature } })).status).toBe(404);
});

/** The events of a stream that ends. */
async function eventsOf(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(at(path), { headers });
  const text = await response.text();
  const events = text
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2))));
  return { response, text, events: events as { id: string; event: string; data: string }[] };
}

test('`stream` answers with the status, what `respond` nodes say and the output, and nothing else of the steps', async () => {
  const workflowId = await owner.publish(
    [
      { id: 'inner', type: 'transform', params: { value: { hidden: '{{ input.q }}' } } },
      { id: 'log', type: 'log', params: { message: 'hidden too' } },
      { id: 'say', type: 'respond', params: { body: { progress: 0.5 } } },
      { id: 'wait', type: 'delay', params: { seconds: 0.2 } },
      { id: 'end', type: 'transform', params: { value: 'the end' } },
    ],
    { triggers: [{ id: 'in', type: 'webhook', path: 'streamed', method: 'GET', respond: 'stream' }] },
  );
  const { response, text, events } = await eventsOf('streamed?q=secret-of-a-step');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(response.headers.get('content-security-policy')).toBe('sandbox');
  expect(text).not.toMatch(/secret-of-a-step|hidden|nodeId/);
  expect(new Set(events.map(({ event }) => event))).toEqual(new Set(['status', 'respond', 'done']));
  expect(events.filter(({ event }) => event === 'respond').map(({ data: said }) => said)).toEqual(['{"progress":0.5}']);
  const executionId = response.headers.get('x-execution-id') ?? '';
  expect(JSON.parse(events.at(-1)?.data ?? '')).toEqual({ executionId, status: 'completed', output: 'the end' });

  const half = events.find(({ event }) => event === 'respond')?.id ?? '';
  const rest = await eventsOf('streamed', { 'last-event-id': half });
  expect(rest.response.headers.get('x-execution-id')).toBe(executionId);
  // Of a status that changed meanwhile only the latest is told.
  expect(rest.events).toEqual(events.slice(-2));
  const over = await eventsOf('streamed', { 'last-event-id': events.at(-1)?.id ?? '' });
  expect(over.response.status).toBe(204);
  const { items } = await owner.client.executions.list({ workflowId });
  expect(items.map(({ id }) => id)).toEqual([executionId]);
});

test('a stream ends with `done` too when the execution fails, and does not say why', async () => {
  await owner.publish([{ id: 'a', type: 'fail', params: { code: 'hidden', message: 'hidden' } }], {
    triggers: [{ id: 'in', type: 'webhook', path: 'failing', method: 'GET', respond: 'stream' }],
  });
  const { text, events } = await eventsOf('failing');
  expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ status: 'failed', output: null });
  expect(text).not.toContain('hidden');
});
