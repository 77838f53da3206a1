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
  answer: { data?: Data; error?: components['schemas']['Problem'] | string; response: Response },
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

async function roundTripSessions(): Promise<void> {
  const who = { email: `${crypto.randomUUID()}@example.com`, password: 'correct horse battery staple' };
  const registered = taken(await anonymous.POST('/api/v1/auth/register', { body: who }), 201);
  const own = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${registered.accessToken}` } });
  assert.equal(taken(await own.PATCH('/api/v1/users/me', { body: { name: 'Grace' } })).name, 'Grace');
  assert.equal(taken(await own.GET('/api/v1/auth/me')).user.emailVerified, false);
  assert.equal(taken(await own.GET('/api/v1/auth/whoami')).apiKey, null);
  taken(await own.POST('/api/v1/auth/verify-email/resend'), 202);

  const body = { grant_type: 'password' as const, username: who.email, password: who.password };
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const tokens = await anonymous.POST('/api/v1/auth/token', { body, headers });
  assert.equal(tokens.data?.token_type, 'Bearer');
  const { items } = taken(await own.GET('/api/v1/auth/sessions'));
  assert.deepEqual(
    items.map(({ current }) => current),
    [false, true],
  );
  const path = { id: items[0]?.id ?? '' };
  assert.equal((await own.DELETE('/api/v1/auth/sessions/{id}', { params: { path } })).response.status, 204);
  assert.equal((await own.DELETE('/api/v1/auth/sessions')).response.status, 204);
  const change = { currentPassword: who.password, newPassword: 'four other words entirely' };
  taken(await own.POST('/api/v1/users/me/password', { body: change }));
  assert.equal((await own.GET('/api/v1/users/me')).response.status, 401);
  taken(await anonymous.POST('/api/v1/auth/password/forgot', { body: { email: who.email } }), 202);
}

async function roundTripGuest(): Promise<void> {
  const guest = taken(await anonymous.POST('/api/v1/auth/guest'), 201);
  assert.deepEqual([guest.user.email, guest.user.name], [null, 'Guest']);
  const own = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${guest.accessToken}` } });
  const body = { name: 'Guest’s', definition: { nodes: [{ id: 'a', type: 'transform', params: { value: 1 } }] } };
  const { id } = taken(await own.POST('/api/v1/workflows', { body }), 201);
  assert.equal((await own.GET('/api/v1/credentials')).error?.code, 'forbidden');
  const merged = taken(await api.POST('/api/v1/auth/guest/merge', { body: { guestToken: guest.accessToken } }));
  assert.deepEqual([merged.workflows, merged.webhooks], [1, []]);
  assert.equal((await own.GET('/api/v1/users/me')).response.status, 401);
  assert.equal((await api.DELETE('/api/v1/workflows/{id}', { params: { path: { id } } })).response.status, 204);
}

async function roundTripTeam(): Promise<void> {
  const made = taken(await api.POST('/api/v1/teams', { body: { name: 'Round Trip' } }), 201);
  const path = { id: made.id };
  const got = await api.GET('/api/v1/teams/{id}', { params: { path } });
  assert.deepEqual(taken(got), made);
  const header = { 'If-Match': got.response.headers.get('etag') ?? '' };
  const patch = { params: { path, header }, body: { name: 'Trip', slug: `trip-${crypto.randomUUID().slice(0, 8)}` } };
  assert.equal(taken(await api.PATCH('/api/v1/teams/{id}', patch)).revision, 2);
  assert.equal((await api.PATCH('/api/v1/teams/{id}', patch)).error?.code, 'precondition_failed');
  assert.ok(taken(await api.GET('/api/v1/teams')).items.some(({ id, role }) => id === made.id && role === 'admin'));

  const role = { name: 'deployer', permissions: ['workflows:read' as const] };
  const created = await api.POST('/api/v1/teams/{id}/roles', { params: { path }, body: role });
  assert.deepEqual(taken(created, 201).permissions, role.permissions);
  const deployer = { params: { path: { ...path, role: 'deployer' } } };
  assert.equal(created.response.headers.get('location'), `/api/v1/teams/${made.id}/roles/deployer`);
  assert.deepEqual(taken(await api.GET('/api/v1/teams/{id}/roles/{role}', deployer)), created.data);
  const described = { ...deployer, body: { description: 'Deploys' } };
  assert.equal(taken(await api.PATCH('/api/v1/teams/{id}/roles/{role}', described)).revision, 2);
  const { items: roles } = taken(await api.GET('/api/v1/teams/{id}/roles', { params: { path } }));
  assert.deepEqual([roles[0]?.name, roles.at(-1)?.name], ['admin', 'deployer']);
  await roundTripMembers(made.id);
  assert.equal((await api.DELETE('/api/v1/teams/{id}/roles/{role}', deployer)).response.status, 204);
  assert.equal((await api.DELETE('/api/v1/teams/{id}', { params: { path } })).response.status, 204);
  assert.equal((await api.GET('/api/v1/teams/{id}', { params: { path } })).error?.code, 'not_found');
}

/** Invites somebody whom the test that started this registers by the token that is mailed, and waits until they are there. */
async function roundTripMembers(id: string): Promise<void> {
  const params = { path: { id } };
  const invite = (address: string) =>
    api.POST('/api/v1/teams/{id}/invitations', { params, body: { email: address, role: 'deployer' } });
  const { id: invitationId } = taken(await invite('revoked@example.com'), 201);
  const invitation = { params: { path: { id, invitationId } } };
  const resent = await api.POST('/api/v1/teams/{id}/invitations/{invitationId}/resend', invitation);
  assert.equal(taken(resent).email, 'revoked@example.com');
  const open = taken(await api.GET('/api/v1/teams/{id}/invitations', { params }));
  assert.deepEqual(open, { items: [resent.data], nextCursor: null });
  const revoked = await api.DELETE('/api/v1/teams/{id}/invitations/{invitationId}', invitation);
  assert.equal(revoked.response.status, 204);

  taken(await invite('invited@example.com'), 201);
  let userId: string | undefined;
  while (!userId) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { items } = taken(await api.GET('/api/v1/teams/{id}/members', { params }));
    userId = items.find((each) => each.email === 'invited@example.com')?.userId;
  }
  const member = { params: { path: { id, userId } } };
  const changed = await api.PATCH('/api/v1/teams/{id}/members/{userId}', { ...member, body: { role: 'user' } });
  assert.equal(taken(changed).role, 'user');
  const handedOn = taken(await api.POST('/api/v1/teams/{id}/transfer', { params, body: { userId, role: 'admin' } }));
  assert.deepEqual([handedOn.userId, handedOn.role], [userId, 'admin']);
  assert.equal((await api.DELETE('/api/v1/teams/{id}/members/{userId}', member)).response.status, 204);
  assert.equal((await api.POST('/api/v1/teams/{id}/leave', { params })).error?.code, 'last_admin');
}

/** Goes where a browser is sent, and comes back with what it was sent back with, and with its cookie. */
async function browse({ data, response }: { data?: { url: string }; response: Response }) {
  const cookie = response.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '';
  const there = await fetch(data?.url ?? '', { redirect: 'manual' });
  const { searchParams } = new URL(there.headers.get('location') ?? '');
  const query = { state: searchParams.get('state') ?? '', code: searchParams.get('code') ?? '' };
  return { params: { query }, headers: { cookie } };
}

async function roundTripIdentities(): Promise<void> {
  const { items: providers } = taken(await anonymous.GET('/api/v1/auth/providers'));
  assert.deepEqual(
    providers.map(({ provider }) => provider),
    ['github', 'oidc'],
  );
  taken(await anonymous.POST('/api/v1/auth/oidc/login', { body: {} }));
  const begun = await anonymous.POST('/api/v1/auth/github/login', { body: { returnTo: '/' } });
  const signedIn = taken(await anonymous.GET('/api/v1/auth/github/callback', await browse(begun)));
  assert.ok('accessToken' in signedIn);
  const own = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${signedIn.accessToken}` } });
  const linking = await own.POST('/api/v1/users/me/identities', { body: { provider: 'oidc' } });
  const linked = taken(await anonymous.GET('/api/v1/auth/oidc/callback', await browse(linking)));
  assert.ok('provider' in linked);
  const { items } = taken(await own.GET('/api/v1/users/me/identities'));
  assert.deepEqual(
    items.map(({ provider }) => provider),
    ['oidc', 'github'],
  );
  const params = { path: { id: linked.id } };
  assert.equal((await own.DELETE('/api/v1/users/me/identities/{id}', { params })).response.status, 204);
}

async function roundTripOwner(): Promise<void> {
  const { kid } = taken(await api.POST('/api/v1/auth/signing-keys/rotate', { body: {} }));
  assert.ok(kid);
  const key = { name: 'old', hash: '0'.repeat(64), prefix: 'sk_old', scopes: ['account:read' as const] };
  const { items } = taken(await api.POST('/api/v1/auth/api-keys/import', { body: { keys: [key] } }), 201);
  assert.equal(items[0]?.prefix, 'sk_old');
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
  const rotated = taken(await api.POST('/api/v1/auth/api-keys/{id}/rotate', { params, body: { overlapSeconds: 60 } }));
  assert.notEqual(rotated.key, made.key);
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

async function roundTripVersions(id: string): Promise<void> {
  const params = { path: { id } };
  const definition = { nodes: [{ id: 'a', type: 'transform', params: { value: 'another' } }] };
  taken(await api.PATCH('/api/v1/workflows/{id}', { params, body: { definition } }));
  const query = { from: '1', to: 'draft' };
  const { nodes } = taken(await api.GET('/api/v1/workflows/{id}/diff', { params: { ...params, query } }));
  const changes = [{ path: '/params/value', from: '{{ input.n + 1 }}', to: 'another' }];
  assert.deepEqual(nodes.changed, [{ id: 'a', changes }]);
  taken(await api.POST('/api/v1/workflows/{id}/publish', { params, body: { note: 'Another' } }));
  const { items } = taken(await api.GET('/api/v1/workflows/{id}/versions', { params }));
  assert.deepEqual(
    items.map(({ version, note }) => [version, note]),
    [
      [2, 'Another'],
      [1, null],
    ],
  );
  const path = { id, version: 1 };
  const first = taken(await api.GET('/api/v1/workflows/{id}/versions/{version}', { params: { path } }));
  assert.equal(taken(await api.POST('/api/v1/workflows/{id}/unpublish', { params })).publishedVersion, null);
  const back = taken(await api.POST('/api/v1/workflows/{id}/rollback', { params, body: { version: 1 } }));
  assert.deepEqual([back.publishedVersion, back.definition], [3, first.definition]);
}

async function roundTripTest(id: string): Promise<void> {
  const params = { path: { id } };
  const body = { input: { n: 1 }, only: 'a' };
  const run = taken(await api.POST('/api/v1/workflows/{id}/test', { params, body }));
  assert.deepEqual([run.status, run.output, run.trigger, run.steps[0]?.input], ['completed', 2, 'test', { value: 2 }]);
  const definition = { nodes: [{ id: 'a', type: 'nothing' }] };
  const { errors } = taken(await api.POST('/api/v1/workflows/validate', { body: { definition } }));
  assert.equal(errors[0]?.path, 'nodes[0].type');
  const types = taken(await api.GET('/api/v1/node-types'));
  assert.ok(types.items.some(({ type }) => type === 'transform'));
}

async function roundTripTransfer(id: string): Promise<void> {
  const document = taken(await api.GET('/api/v1/workflows/{id}/export', { params: { path: { id } } }));
  const copy = taken(await api.POST('/api/v1/workflows/import', { body: { ...document, name: 'Copy' } }), 201);
  assert.deepEqual([copy.name, copy.definition], ['Copy', document.definition]);
  const path = { id: copy.id };
  const query = { force: true };
  assert.equal((await api.DELETE('/api/v1/workflows/{id}', { params: { path, query } })).response.status, 204);
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

async function roundTripStreams(id: string): Promise<void> {
  const finished = taken(
    await api.POST('/api/v1/workflows/{id}/execute', { params: { path: { id } }, body: { input: { n: 1 }, wait: 10 } }),
  );
  const path = { id: finished.id };
  const text = taken(await api.GET('/api/v1/executions/{id}/events', { params: { path }, parseAs: 'text' }));
  const [, last, data = ''] = /id: (\d+)\nevent: done\ndata: (.*)\n\n$/.exec(text) ?? [];
  const event: components['schemas']['ExecutionEvent'] = { event: 'done', data: JSON.parse(data) };
  assert.deepEqual([event.event, event.data], ['done', finished]);
  const after = { params: { path, header: { 'Last-Event-ID': last } } };
  assert.equal((await api.GET('/api/v1/executions/{id}/events', after)).response.status, 204);
  const lines = taken(await api.GET('/api/v1/workflows/{id}/logs', { params: { path: { id } }, parseAs: 'stream' }));
  await lines?.cancel();
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
  taken(await api.POST('/api/v1/workflows/{id}/execute', draft), 202);
  const workflow = { params: { path: { id } } };
  const { underWay, latest } = taken(await api.GET('/api/v1/workflows/{id}/status', workflow));
  assert.equal(underWay.pending + underWay.running + underWay.waiting, 1);
  assert.equal(latest?.workflowId, id);
  assert.equal(taken(await api.POST('/api/v1/workflows/{id}/stop', workflow)).cancelled, 1);
}

async function roundTripApproval(): Promise<void> {
  const definition = {
    nodes: [{ id: 'ask', type: 'approval', params: { title: 'Sure?', fields: [{ name: 'why' }] } }],
  };
  const made = taken(await api.POST('/api/v1/workflows', { body: { name: 'Asks', definition } }), 201);
  const run = { params: { path: { id: made.id } }, body: { draft: true } };
  const { id: executionId } = taken(await api.POST('/api/v1/workflows/{id}/execute', run), 202);
  let asked: components['schemas']['Approval'] | undefined;
  while (!asked) {
    const { items } = taken(await api.GET('/api/v1/approvals', { params: { query: { executionId } } }));
    [asked] = items;
  }
  const path = { id: asked.id };
  assert.deepEqual(taken(await api.GET('/api/v1/approvals/{id}', { params: { path } })), asked);
  const body = { approved: true, fields: { why: 'it is fine' } };
  const decided = taken(await api.POST('/api/v1/approvals/{id}/decide', { params: { path }, body }));
  assert.deepEqual([decided.status, decided.decision?.fields], ['approved', body.fields]);
  const twice = await api.POST('/api/v1/approvals/{id}/decide', { params: { path }, body });
  assert.equal(twice.error?.code, 'already_decided');
  const gone = { params: { path: { id: made.id }, query: { force: true } } };
  assert.equal((await api.DELETE('/api/v1/workflows/{id}', gone)).response.status, 204);
}

async function roundTripRestart(): Promise<void> {
  const definition = { nodes: [{ id: 'a', type: 'fail', params: { code: 'round_trip' } }] };
  const made = taken(await api.POST('/api/v1/workflows', { body: { name: 'Fails', definition } }), 201);
  const run = { params: { path: { id: made.id } }, body: { draft: true, wait: 10 } };
  const failed = taken(await api.POST('/api/v1/workflows/{id}/execute', run));
  const filter = { workflowId: made.id, errorCode: 'round_trip', since: failed.createdAt };
  const { items } = taken(await api.GET('/api/v1/executions', { params: { query: filter } }));
  assert.deepEqual(
    items.map(({ id }) => id),
    [failed.id],
  );
  const body = { ...filter, from: 'failed-step' as const };
  assert.equal(taken(await api.POST('/api/v1/executions/redrive', { body }), 202).redriven, 1);
  const again = { params: { path: { id: failed.id } }, body: { from: 'a', input: { n: 2 } } };
  const restarted = await api.POST('/api/v1/executions/{id}/restart', again);
  const { id, restartedFrom } = taken(restarted, 202);
  assert.equal(restartedFrom, failed.id);
  assert.equal(restarted.response.headers.get('location'), `/api/v1/executions/${id}`);
  const cancelled = taken(await api.POST('/api/v1/executions/cancel', { body: { workflowId: made.id } }));
  assert.ok(cancelled.cancelled <= 2);
  const gone = { params: { path: { id: made.id }, query: { force: true } } };
  assert.equal((await api.DELETE('/api/v1/workflows/{id}', gone)).response.status, 204);
}

async function roundTripCredential(): Promise<void> {
  const body = {
    name: 'Shop',
    kind: 'bearer' as const,
    values: { token: 'a-secret-of-the-shop' },
    allowedHosts: ['127.0.0.1:1'],
  };
  const made = taken(await api.POST('/api/v1/credentials', { body }), 201);
  assert.deepEqual(made.fields, ['token']);
  const path = { id: made.id };
  assert.deepEqual(taken(await api.GET('/api/v1/credentials/{id}', { params: { path } })), made);
  assert.deepEqual(taken(await api.PUT('/api/v1/credentials/{id}', { params: { path }, body: made })), made);
  const patched = await api.PATCH('/api/v1/credentials/{id}', { params: { path }, body: { name: 'Shops' } });
  assert.deepEqual([taken(patched).name, patched.response.headers.get('etag')], ['Shops', '"2"']);
  const { items } = taken(await api.GET('/api/v1/credentials'));
  assert.ok(items.some(({ id }) => id === made.id));
  const test = { params: { path }, body: { url: 'http://127.0.0.1:1/' } };
  const { ok, status } = taken(await api.POST('/api/v1/credentials/{id}/test', test));
  assert.deepEqual([ok, status], [false, null]);
  assert.equal((await api.DELETE('/api/v1/credentials/{id}', { params: { path } })).response.status, 204);
}

async function roundTripTriggers(): Promise<void> {
  const definition = {
    nodes: [{ id: 'a', type: 'transform', params: { value: 1 } }],
    triggers: [
      { id: 'yearly', type: 'schedule' as const, cron: '@yearly' },
      { id: 'created', type: 'event' as const, event: 'trip.created' },
    ],
  };
  const { id } = taken(await api.POST('/api/v1/workflows', { body: { name: 'Triggered', definition } }), 201);
  taken(await api.POST('/api/v1/workflows/{id}/publish', { params: { path: { id } }, body: {} }));
  const { items } = taken(await api.GET('/api/v1/workflows/{id}/schedules', { params: { path: { id } } }));
  const path = { id: items[0]?.id ?? '' };
  const got = taken(await api.GET('/api/v1/schedules/{id}', { params: { path } }));
  assert.deepEqual(got, items[0]);
  assert.ok(taken(await api.GET('/api/v1/schedules')).items.some((schedule) => schedule.id === path.id));
  assert.equal(taken(await api.POST('/api/v1/schedules/{id}/pause', { params: { path } })).paused, true);
  assert.deepEqual(taken(await api.POST('/api/v1/schedules/{id}/resume', { params: { path } })), got);
  const query = { cron: '@yearly' };
  const preview = taken(await api.GET('/api/v1/schedules/preview', { params: { query } }));
  assert.deepEqual(preview.nextFireTimes.slice(0, 5), got.nextFireTimes);

  const body = { event: 'trip.created', id: crypto.randomUUID(), data: { n: 1 } };
  const sent = taken(await api.POST('/api/v1/events', { body }), 202);
  assert.equal(sent.executions.length, 1);
  const event = taken(await api.GET('/api/v1/events/{id}', { params: { path: { id: body.id } } }));
  assert.deepEqual([event.data, event.executions], [body.data, sent.executions]);
  assert.ok(taken(await api.GET('/api/v1/events')).items.some((each) => each.id === body.id));
  const gone = { params: { path: { id }, query: { force: true } } };
  assert.equal((await api.DELETE('/api/v1/workflows/{id}', gone)).response.status, 204);
}

/** Who did what, with the API key of `roundTripApiKey`. */
async function roundTripAudit(): Promise<void> {
  const query = { action: 'auth.apiKeys.rotate', outcome: 'done' as const, limit: 1 };
  const [event] = taken(await api.GET('/api/v1/audit', { params: { query } })).items;
  assert.deepEqual([event?.email, event?.principal, event?.resourceType], [email, 'jwt', 'apiKey']);
  assert.deepEqual(event?.details.fields, ['overlapSeconds']);
  const refused = { params: { query: { outcome: 'refused' as const, action: 'workflows.create' } } };
  assert.equal(taken(await api.GET('/api/v1/audit', refused)).items[0]?.code, 'forbidden');
}

await roundTripAccount();
await roundTripSessions();
await roundTripGuest();
await roundTripIdentities();
await roundTripTeam();
await roundTripOwner();
await roundTripCredential();
await roundTripApiKey();
await roundTripAudit();
const workflowId = await roundTripWorkflow();
await roundTripVersions(workflowId);
await roundTripTest(workflowId);
await roundTripTransfer(workflowId);
await roundTripExecution(workflowId);
await roundTripStreams(workflowId);
await roundTripCancel(workflowId);
await roundTripApproval();
await roundTripRestart();
await roundTripTriggers();
const params = { path: { id: workflowId }, query: { force: true } };
assert.equal((await api.DELETE('/api/v1/workflows/{id}', { params })).response.status, 204);
assert.equal((await api.GET('/api/v1/workflows/{id}', { params: { path: params.path } })).error?.code, 'not_found');
console.log('every resource went round');
