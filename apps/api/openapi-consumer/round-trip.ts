/**
 * What somebody outside would write against the generated types: every resource made, read, changed and removed. Its test
 * generates `schema.ts` beside a copy of it, type-checks both, and runs `node round-trip.ts <url> <email> <password>`.
 */
import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.ts';

const [baseUrl = '', email = '', password = ''] = process.argv.slice(2);

const anonymous = createClient<paths>({ baseUrl });
const signedIn = await anonymous.POST('/api/v1/auth/login', { body: { email, password } });
assert.ok(signedIn.data, JSON.stringify(signedIn.error));
const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${signedIn.data.accessToken}` } });

/** The data of an answer that has to be a success of this status. */
function taken<Data>(
  answer: { data?: Data; error?: components['schemas']['Problem']; response: Response },
  status = 200,
) {
  assert.equal(answer.response.status, status, JSON.stringify(answer.error));
  assert.ok(answer.data !== undefined);
  return answer.data;
}

async function roundTripAccount(): Promise<void> {
  const who = { email: `${crypto.randomUUID()}@example.com`, password: 'correct horse battery staple', name: 'Ada' };
  const registered = taken(await anonymous.POST('/api/v1/auth/register', { body: who }), 201);
  const refreshed = taken(
    await anonymous.POST('/api/v1/auth/refresh', { body: { refreshToken: registered.refreshToken } }),
  );
  const own = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${refreshed.accessToken}` } });
  const me = taken(await own.GET('/api/v1/users/me'));
  assert.deepEqual(
    { email: me.user.email, role: me.role, by: me.signedInBy },
    { email: who.email, role: 'admin', by: 'jwt' },
  );
  assert.equal((await own.POST('/api/v1/auth/logout')).response.status, 204);
  const refused = await anonymous.GET('/api/v1/users/me');
  assert.equal(refused.error?.code, 'unauthenticated');
}

async function roundTripApiKey(): Promise<void> {
  const body = { name: 'round trip', scopes: ['workflows:read' as const] };
  const made = taken(await api.POST('/api/v1/auth/api-keys', { body }), 201);
  const byKey = createClient<paths>({ baseUrl, headers: { 'X-API-Key': made.key } });
  taken(await byKey.GET('/api/v1/workflows', { params: { query: { limit: 1 } } }));
  const forbidden = await byKey.POST('/api/v1/workflows', { body: { name: 'x', definition: { nodes: [] } } });
  assert.equal(forbidden.error?.status, 403);
  const { items } = taken(await api.GET('/api/v1/auth/api-keys'));
  assert.ok(items.some(({ id, prefix }) => id === made.id && made.key.startsWith(prefix)));
  const params = { path: { id: made.id } };
  assert.equal((await api.DELETE('/api/v1/auth/api-keys/{id}', { params })).response.status, 204);
  assert.equal((await byKey.GET('/api/v1/workflows')).response.status, 401);
}

async function roundTripWorkflow(): Promise<string> {
  const definition = { nodes: [{ id: 'a', type: 'transform', params: { value: '{{ input.n + 1 }}' } }] };
  const header = { 'Idempotency-Key': crypto.randomUUID() };
  const create = () => api.POST('/api/v1/workflows', { params: { header }, body: { name: 'Trip', definition } });
  const made = taken(await create(), 201);
  const repeated = await create();
  assert.equal(taken(repeated, 201).id, made.id);
  assert.equal(repeated.response.headers.get('idempotency-replayed'), 'true');

  const path = { id: made.id };
  const got = await api.GET('/api/v1/workflows/{id}', { params: { path } });
  const etag = got.response.headers.get('etag') ?? '';
  assert.deepEqual(taken(got), made);
  const again = await api.GET('/api/v1/workflows/{id}', { params: { path, header: { 'If-None-Match': etag } } });
  assert.equal(again.response.status, 304);

  const put = await api.PUT('/api/v1/workflows/{id}', { params: { path }, body: made });
  assert.deepEqual(taken(put).definition, made.definition);
  const patch = {
    params: { path, header: { 'If-Match': put.response.headers.get('etag') ?? '' } },
    body: { name: 'Trips' },
  };
  assert.equal(taken(await api.PATCH('/api/v1/workflows/{id}', patch)).name, 'Trips');
  assert.equal((await api.PATCH('/api/v1/workflows/{id}', patch)).error?.code, 'precondition_failed');

  assert.equal(
    taken(await api.POST('/api/v1/workflows/{id}/publish', { params: { path }, body: {} })).publishedVersion,
    1,
  );
  const { items } = taken(await api.GET('/api/v1/workflows', { params: { query: { limit: 100 } } }));
  assert.ok(items.some(({ id, publishedVersion }) => id === made.id && publishedVersion === 1));
  return made.id;
}

async function roundTripExecution(id: string): Promise<void> {
  const execute = (wait: number) =>
    api.POST('/api/v1/workflows/{id}/execute', { params: { path: { id } }, body: { input: { n: 1 }, wait } });
  const finished = taken(await execute(10));
  assert.deepEqual([finished.status, finished.output, finished.workflowId], ['completed', 2, id]);
  taken(await execute(0), 202);
  const path = { id: finished.id };
  assert.deepEqual(taken(await api.GET('/api/v1/executions/{id}', { params: { path } })), finished);
  const query = { workflowId: id, status: 'completed' as const };
  const { items } = taken(await api.GET('/api/v1/executions', { params: { query } }));
  assert.ok(items.some((execution) => execution.id === finished.id));
  const steps = taken(await api.GET('/api/v1/executions/{id}/steps', { params: { path } }));
  assert.deepEqual(
    steps.items.map((step) => [step.nodeId, step.status, step.output]),
    [['a', 'completed', 2]],
  );
  assert.deepEqual(taken(await api.GET('/api/v1/executions/{id}/logs', { params: { path } })).items, []);
}

async function roundTripCancel(id: string): Promise<void> {
  const definition = { nodes: [{ id: 'a', type: 'delay', params: { seconds: 600 } }] };
  taken(await api.PATCH('/api/v1/workflows/{id}', { params: { path: { id } }, body: { definition } }));
  const draft = { params: { path: { id } }, body: { draft: true } };
  const { data: accepted, response } = await api.POST('/api/v1/workflows/{id}/execute', draft);
  assert.equal(response.headers.get('location'), `/api/v1/executions/${accepted?.id}`);
  const path = { id: accepted?.id ?? '' };
  const cancelled = taken(await api.POST('/api/v1/executions/{id}/cancel', { params: { path } }));
  assert.deepEqual([cancelled.status, cancelled.version], ['cancelled', null]);
}

await roundTripAccount();
await roundTripApiKey();
const workflowId = await roundTripWorkflow();
await roundTripExecution(workflowId);
await roundTripCancel(workflowId);
const params = { path: { id: workflowId } };
assert.equal((await api.DELETE('/api/v1/workflows/{id}', { params })).response.status, 204);
assert.equal((await api.GET('/api/v1/workflows/{id}', { params })).error?.code, 'not_found');
console.log('every resource went round');
