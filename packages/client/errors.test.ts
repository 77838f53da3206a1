import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { FlowplaneError } from './error.ts';
import { serve, serveApi } from './test-server.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';
const missing = '0b671a64-40d5-491e-99b0-da01ff1f3341';

async function errorOf(work: Promise<unknown>): Promise<FlowplaneError> {
  const error = await work.then(
    () => new Error('The call did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof FlowplaneError)) throw error;
  return error;
}

async function errorFrom(listener: RequestListener): Promise<FlowplaneError> {
  await using server = await serve(listener);
  return await errorOf(createClient({ url: server.url, retries: 0 }).auth.me());
}

test('a refusal is a FlowplaneError with the problem details, and the rest of its batch is answered', async () => {
  await using server = await serveApi();
  const client = createClient({ url: server.url });
  const [refused, found] = await Promise.all([
    errorOf(client.workflows.get({ id: missing })),
    client.workflows.get({ id }),
  ]);
  expect(server.seen).toHaveLength(1);
  expect(found.id).toBe(id);
  expect(refused).toMatchObject({
    name: 'FlowplaneError',
    message: 'There is no such workflow.',
    detail: 'There is no such workflow.',
    status: 404,
    code: 'not_found',
    requestId: 'r-1',
    errors: [],
  });
});

test('invalid input names the fields', async () => {
  await using server = await serveApi();
  const error = await errorOf(createClient({ url: server.url }).workflows.get({ id: 'nope' }));
  expect(error).toMatchObject({
    status: 400,
    code: 'invalid_input',
    errors: [{ path: 'id', message: 'must be a UUID' }],
  });
});

test('a server that cannot be reached is network_error and says why', async () => {
  const server = await serveApi();
  await server[Symbol.asyncDispose]();
  const error = await errorOf(createClient({ url: server.url, retries: 0 }).auth.me());
  expect(error).toMatchObject({ status: 0, code: 'network_error', requestId: undefined });
  expect(error.detail).toContain('ECONNREFUSED');
});

test('calls that fail together each reject with an error of their own', async () => {
  await using server = await serve((_, response) => response.writeHead(502).end());
  const client = createClient({ url: server.url, retries: 0 });
  const [one, other] = await Promise.all([errorOf(client.auth.me()), errorOf(client.workflows.list())]);
  expect(server.seen).toHaveLength(1);
  expect(one).not.toBe(other);
  expect([one.code, other.code]).toEqual(['bad_response', 'bad_response']);
});

test('a connection that breaks within the answer is network_error', async () => {
  const error = await errorFrom((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('[{"result":');
    setTimeout(() => response.destroy(), 20);
  });
  expect(error).toMatchObject({ status: 0, code: 'network_error' });
});

test.each([
  ['a proxy’s page', 502, '<html>Bad Gateway</html>'],
  ['JSON of something else', 200, '{"hello":"world"}'],
  ['nothing', 200, ''],
])('%s is bad_response, with the status and the address', async (_, status, body) => {
  const error = await errorFrom((__, response) => response.writeHead(status).end(body));
  expect(error).toMatchObject({ status, code: 'bad_response' });
  expect(error.detail).toContain('/trpc/auth.me answered');
});

test('problem details that come instead of a tRPC answer are the error', async () => {
  const problem = {
    type: 'about:blank',
    title: 'Slow down',
    status: 429,
    detail: 'Wait a second.',
    code: 'rate_limited',
  };
  const error = await errorFrom((_, response) =>
    response.writeHead(429, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem)),
  );
  expect(error).toMatchObject({ status: 429, code: 'rate_limited', detail: 'Wait a second.' });
});

test('a tRPC error without problem details is bad_response with its status', async () => {
  const error = await errorFrom((_, response) => {
    const answer = { error: { json: { message: 'No', code: -32603, data: { httpStatus: 503 } } } };
    response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify([answer]));
  });
  expect(error).toMatchObject({ status: 503, code: 'bad_response' });
});
