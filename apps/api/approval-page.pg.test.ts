import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, startInstance } from './test-process.ts';

const data = dataDirectory();
let instance: Instance;
let owner: Awaited<ReturnType<typeof ownerOf>>;
let workflowId: string;

beforeAll(async () => {
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path, LOG_FORMAT: 'json' });
  await instance.ready();
  owner = await ownerOf(instance);
  workflowId = await owner.publish([
    {
      id: 'ask',
      type: 'approval',
      params: {
        title: 'Refund <b>{{ input }}</b>?',
        details: { order: '"41" & more' },
        fields: [
          { name: 'reason', required: true, label: 'Why?' },
          { name: 'sum', type: 'number' },
          { name: 'sure', type: 'boolean' },
          { name: 'how', type: 'choice', options: ['cash', 'card'] },
        ],
        timeoutSeconds: 600,
      },
    },
  ]);
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await data[Symbol.asyncDispose]();
});

/** Starts an execution, and gives its approval's page. */
async function asked(): Promise<{ executionId: string; url: string }> {
  const { id: executionId } = await owner.client.workflows.execute({ id: workflowId, input: 70 });
  const url = await vi.waitFor(async () => {
    const { items } = await owner.client.approvals.list({ executionId });
    return items[0]?.link ?? expect.fail('the execution does not ask yet');
  }, 10_000);
  return { executionId, url };
}

function post(url: string, form: Record<string, string>): Promise<Response> {
  return fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
}

test('the page shows what is asked, as text, and may do nothing but send its form', async () => {
  const { url } = await asked();
  const answer = await fetch(url);
  const html = await answer.text();
  expect(answer.status).toBe(200);
  expect(html).toContain('Refund &lt;b&gt;70&lt;/b&gt;?');
  expect(html).toContain('&quot;41&quot; &amp; more');
  expect(html).not.toContain('<script');
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': expect.stringMatching(/^default-src 'none'; style-src 'sha256-/),
    'referrer-policy': 'no-referrer',
    'x-robots-tag': 'noindex, nofollow',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
});

test('only the form decides: reading the page, however, changes nothing', async () => {
  const { executionId, url } = await asked();
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) await fetch(url, { method });
  await fetch(`${url}?decision=approve&field.reason=x`);
  const { items } = await owner.client.approvals.list({ executionId });
  expect(items).toMatchObject([{ status: 'open' }]);
});

test('the form decides once, and the page then says so', async () => {
  const { executionId, url } = await asked();
  const form = {
    decision: 'approve',
    'field.reason': 'Two\r\nlines',
    'field.sum': '1.5',
    'field.sure': 'false',
    'field.how': '',
  };
  const sent = await post(url, form);
  expect([sent.status, sent.headers.get('location')]).toEqual([303, new URL(url).pathname]);
  const shown = await fetch(url);
  expect(shown.status).toBe(200);
  expect(await shown.text()).toContain('<h1 role="status">Approved</h1>');
  await expect
    .poll(async () => (await owner.client.executions.get({ id: executionId })).output, { timeout: 10_000 })
    .toMatchObject({ approved: true, by: null, fields: { reason: 'Two\nlines', sum: 1.5, sure: false } });
  const again = await post(url, { ...form, decision: 'reject' });
  expect(await again.text()).toContain('<h1 role="status">Approved</h1>');
});

test('what is missing or wrong is said beside its field, and what was filled in is kept', async () => {
  const { executionId, url } = await asked();
  const answer = await post(url, { decision: 'approve', 'field.sum': 'many "', 'field.how': 'cheque' });
  const html = await answer.text();
  expect(answer.status).toBe(400);
  expect(html).toContain('id="field-reason-error">This is required.');
  expect(html).toContain('id="field-sum-error">This must be a number.');
  expect(html).toContain('id="field-how-error">This must be one of: cash, card.');
  expect(html).toContain('value="many &quot;"');
  expect((await post(url, {})).status).toBe(400);
  expect((await post(url, { 'field.reason': 'a\0b', decision: 'reject' })).status).toBe(400);
  expect((await owner.client.approvals.list({ executionId })).items).toMatchObject([{ status: 'open' }]);
});

test('a link that leads nowhere, and one whose execution has ended, say so', async () => {
  const { executionId, url } = await asked();
  for (const bad of [
    `${url.slice(0, -4)}AAAA`,
    `${url}A`,
    url.slice(0, -1),
    `${url.slice(0, url.lastIndexOf('/'))}/x`,
  ]) {
    const answer = await fetch(bad);
    expect([answer.status, answer.headers.get('referrer-policy')], bad).toEqual([404, 'no-referrer']);
    expect((await post(bad, { decision: 'approve', 'field.reason': 'x' })).status).toBe(404);
  }
  await owner.client.executions.cancel({ id: executionId });
  expect((await fetch(url)).status).toBe(410);
  expect((await post(url, { decision: 'approve', 'field.reason': 'x' })).status).toBe(410);
});

test('a body that is no form is refused, and the token is in no log', async () => {
  const { url } = await asked();
  const json = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  expect(json.status).toBe(415);
  expect(json.headers.get('content-type')).toBe('text/html; charset=utf-8');
  await fetch(`${url}/`);
  const token = url.split('/').at(-1) ?? '';
  await expect.poll(() => instance.output()).toContain('/approvals/…');
  expect(instance.output()).not.toContain(token);
});

test('a workflow sends the link itself, from beside the approval', async () => {
  const { id } = await owner.client.workflows.create({
    name: 'Sends its link',
    definition: {
      nodes: [
        { id: 'ask', type: 'approval', params: { title: 'Sure?' } },
        { id: 'mail', type: 'log', params: { message: '{{ run.approvalLinks.ask }}' } },
      ],
    },
  });
  const execution = await owner.client.workflows.execute({ id, draft: true });
  await expect
    .poll(async () => (await owner.client.executions.logs({ id: execution.id })).items.length, { timeout: 10_000 })
    .toBe(1);
  const { items } = await owner.client.executions.logs({ id: execution.id });
  const url = items[0]?.message ?? '';
  expect((await post(url, { decision: 'reject' })).status).toBe(303);
  const { items: approvals } = await owner.client.approvals.list({ executionId: execution.id });
  expect(approvals).toMatchObject([{ status: 'rejected' }]);
});
