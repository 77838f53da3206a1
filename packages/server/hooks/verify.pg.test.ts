import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { Definition } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import { type WebhookVerification, webhookVerification } from '@flowplane/contract/webhook';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, chain, testApi } from '../test-api.ts';
import { answerWebhook } from './answer.ts';
import { bodyOf, callOf } from './test-call.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`;

async function credential(secret: string, member = ann): Promise<string> {
  const made = await member.api.credentials.create({
    name: 'Sender',
    kind: 'webhookSecret',
    values: { secret },
    allowedHosts: [],
  });
  return made.id;
}

type Trigger = Extract<Definition['triggers'][number], { type: 'webhook' }>;

/** Publishes a definition behind a signed webhook. */
async function hook(
  verify: WebhookVerification,
  more: Partial<Trigger> = {},
  nodes: Definition = answering('{{ input }}'),
) {
  const path = `signed-${randomUUID()}`;
  const trigger: Trigger = { id: 'in', type: 'webhook', path, method: 'POST', respond: 'result', verify, ...more };
  const { id } = await ann.api.workflows.create({ name: path, definition: { ...nodes, triggers: [trigger] } });
  await ann.api.workflows.publish({ id });
  return { id, path };
}

function standard(credentialId: string, more: object = {}): WebhookVerification {
  return webhookVerification.parse({ scheme: 'standard-webhooks', credentialId, ...more });
}

function signed(secret: string, input: Json, given: { id?: string; at?: number } = {}) {
  const { id = randomUUID(), at = Math.floor(Date.now() / 1_000) } = given;
  const rawBody = Buffer.from(JSON.stringify(input));
  const key = Buffer.from(secret.slice(6), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${at}.`).update(rawBody).digest('base64');
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': `v1,${signature}` };
  return callOf(input, { headers, rawBody });
}

const answerAt = (path: string, call: Parameters<typeof answerWebhook>[2]) =>
  answerWebhook(api, { slug: ann.slug, method: 'POST', path }, call);

const runsOf = async (workflowId: string) => (await ann.api.executions.list({ workflowId })).items.length;

test('threat 36: a signed message is answered; the same id again gets the first’s execution, and nothing runs twice', async () => {
  const secret = newSecret();
  const { id: workflowId, path } = await hook(standard(await credential(secret)));
  const first = await answerAt(path, signed(secret, { n: 1 }, { id: 'msg_1' }));
  expect(bodyOf(first)).toEqual({ n: 1 });
  const again = await answerAt(path, signed(secret, { n: 2 }, { id: 'msg_1' }));
  expect(again).toEqual(first);
  expect(await runsOf(workflowId)).toBe(1);
  const next = await answerAt(path, signed(secret, { n: 3 }, { id: 'msg_2' }));
  expect(bodyOf(next)).toEqual({ n: 3 });
  expect(await runsOf(workflowId)).toBe(2);
});

test('threat 36: the same message many times at once is one execution, which all are told', async () => {
  const secret = newSecret();
  const { id: workflowId, path } = await hook(standard(await credential(secret)), { respond: 'immediate' });
  const message = signed(secret, 1);
  const answers = await Promise.all(Array.from({ length: 20 }, () => answerAt(path, message)));
  expect(new Set(answers.map(({ executionId }) => executionId)).size).toBe(1);
  expect(answers[0]).toMatchObject({ answer: { status: 202 } });
  await api.engine.wait(ann.principal.teamId, answers[0]?.executionId ?? '', 5_000);
  expect(await runsOf(workflowId)).toBe(1);
});

test('threat 36: every other call is a 401 that says one and the same, and reads nothing of the body', async () => {
  const secret = newSecret();
  const { id: workflowId, path } = await hook(standard(await credential(secret)));
  const now = Math.floor(Date.now() / 1_000);
  const good = signed(secret, { a: 1 });
  const { headers } = good;
  const calls = [
    callOf({ a: 1 }),
    signed(newSecret(), { a: 1 }),
    signed(secret, { a: 1 }, { at: now - 301 }),
    signed(secret, { a: 1 }, { at: now + 302 }),
    { ...good, rawBody: Buffer.from('{"a": 1}') },
    { ...good, headers: { ...headers, 'webhook-timestamp': undefined } },
    { ...good, headers: { ...headers, 'webhook-id': 'msg_other' } },
  ];
  const told = new Set<string>();
  for (const call of calls) {
    const input = () => expect.fail('it was read');
    const failed = await answerAt(path, { ...call, input }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'invalid_signature' });
    told.add(String(failed));
  }
  expect(told.size).toBe(1);
  expect(await runsOf(workflowId)).toBe(0);
});

test('threat 36: old and new secrets are both valid while they are rotated, and neither when its credential is gone', async () => {
  const [before, after] = [newSecret(), newSecret()];
  const [old, current] = [await credential(before), await credential(after)];
  const { path } = await hook(standard(current, { previousCredentialIds: [old] }));
  expect(bodyOf(await answerAt(path, signed(before, 1)))).toBe(1);
  expect(bodyOf(await answerAt(path, signed(after, 2)))).toBe(2);
  expect((await ann.api.credentials.get({ id: current })).lastUsedAt).not.toBeNull();
  await ann.api.credentials.delete({ id: old });
  await expect(answerAt(path, signed(before, 1))).rejects.toMatchObject({ code: 'invalid_signature' });
  await ann.api.credentials.delete({ id: current });
  await expect(answerAt(path, signed(after, 1))).rejects.toMatchObject({ code: 'invalid_signature' });
});

test('threat 2: another team’s secret, or one of another kind, is refused when the workflow is saved', async () => {
  const eve = await api.member();
  const foreign = await credential(newSecret(), eve);
  const bearer = await ann.api.credentials.create({
    name: 'b',
    kind: 'bearer',
    values: { token: 'a-token-of-the-tests' },
    allowedHosts: ['a.example'],
  });
  for (const id of [foreign, bearer.id, randomUUID()]) {
    await expect(hook(standard(id))).rejects.toMatchObject({
      cause: { code: 'invalid_workflow', errors: [{ path: 'definition.triggers[0].verify.credentialId' }] },
    });
  }
});

test('a body that is no input does not use its message up', async () => {
  const secret = newSecret();
  const { path } = await hook(standard(await credential(secret)));
  const good = signed(secret, { a: 1 }, { id: 'msg_bad' });
  const broken = () => {
    throw new Error('the body is broken');
  };
  await expect(answerAt(path, { ...good, input: broken })).rejects.toThrow('broken');
  expect(bodyOf(await answerAt(path, good))).toEqual({ a: 1 });
});

test('a `respond` node answers a signed message before the execution ends', async () => {
  const secret = newSecret();
  const nodes = chain(
    { id: 'say', type: 'respond', params: { status: 201, body: 'said' } },
    { id: 'wait', type: 'delay', params: { seconds: 20 } },
  );
  const { id, path } = await hook(standard(await credential(secret)), {}, nodes);
  const begun = performance.now();
  expect(await answerAt(path, signed(secret, 1))).toMatchObject({ answer: { status: 201, body: 'said' } });
  expect(performance.now() - begun).toBeLessThan(10_000);
  await ann.api.workflows.stop({ id });
});

test('messages are forgotten when they are too old to be taken, and the next that comes removes them', async () => {
  const secret = newSecret();
  const { id: workflowId, path } = await hook(standard(await credential(secret)));
  const { pool } = api.database;
  const kept = async () =>
    (await pool.query('select from webhook_messages where workflow_id = $1', [workflowId])).rowCount;
  for (const id of ['a', 'b', 'c']) await answerAt(path, signed(secret, 1, { id }));
  expect(await kept()).toBe(3);
  await pool.query(`update webhook_messages set expires_at = now() - interval '1 s' where workflow_id = $1`, [
    workflowId,
  ]);
  await answerAt(path, signed(secret, 1, { id: 'a' }));
  expect(await kept()).toBe(1);
  expect(await runsOf(workflowId)).toBe(4);
});
