import type { Definition } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, chain, testApi } from '../test-api.ts';
import { answerWebhook, type WebhookOutcome } from './answer.ts';
import { bodyOf, callOf } from './test-call.ts';
import { createWebhooks } from './webhooks.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

let paths = 0;

/** Publishes a definition behind a webhook of its own and returns its path. */
async function hook(definition: Definition, respond: 'result' | 'immediate' = 'result') {
  const path = `hook-${++paths}`;
  const { id } = await ann.api.workflows.create({
    name: path,
    definition: { ...definition, triggers: [{ id: 'in', type: 'webhook', path, method: 'POST', respond }] },
  });
  await ann.api.workflows.publish({ id });
  return { id, path };
}

function answerAt(
  path: string,
  input: Json = null,
  more: { method?: string; slug?: string } = {},
): Promise<WebhookOutcome> {
  const { method = 'POST', slug = ann.slug } = more;
  return answerWebhook(api, { slug, method, path }, callOf(input));
}

test('`result` answers with the output, of the input that was sent', async () => {
  const { id, path } = await hook(answering('{{ input.n * 2 }}'));
  const outcome = await answerAt(path, { n: 4 });
  expect(outcome).toMatchObject({ answer: { status: 200, headers: {}, body: 8 } });
  const execution = await ann.api.executions.get({ id: outcome.executionId });
  expect(execution).toMatchObject({
    workflowId: id,
    version: 1,
    trigger: 'webhook:in',
    input: { n: 4 },
    status: 'completed',
  });
});

test('`immediate` answers 202 with the execution, which goes on', async () => {
  const { path } = await hook(chain({ id: 'a', type: 'delay', params: { seconds: 0.3 } }), 'immediate');
  const begun = performance.now();
  const outcome = await answerAt(path);
  expect(performance.now() - begun).toBeLessThan(300);
  expect(outcome).toMatchObject({ answer: { status: 202, body: { executionId: outcome.executionId } } });
  expect((await api.engine.wait(ann.principal.teamId, outcome.executionId, 5_000))?.status).toBe('completed');
});

test('a `respond` node answers at once with its status, headers and body, and the execution goes on', async () => {
  const { path } = await hook(
    chain(
      {
        id: 'say',
        type: 'respond',
        params: { status: 201, headers: { 'x-order': '{{ input.n }}' }, body: { n: '{{ input.n }}' } },
      },
      { id: 'wait', type: 'delay', params: { seconds: 0.3 } },
      { id: 'after', type: 'transform', params: { value: 'went on' } },
    ),
  );
  const outcome = await answerAt(path, { n: '7' });
  expect(outcome).toMatchObject({ answer: { status: 201, headers: { 'x-order': '7' }, body: { n: '7' } } });
  const ended = await api.engine.wait(ann.principal.teamId, outcome.executionId, 5_000);
  expect(ended).toMatchObject({ status: 'completed', output: 'went on' });
});

test('a `respond` node after a wait answers too: its answer is found in the journal', async () => {
  const { path } = await hook(
    chain(
      { id: 'wait', type: 'delay', params: { seconds: 0.2 } },
      { id: 'say', type: 'respond', params: { status: 404, body: 'late' } },
      { id: 'after', type: 'transform', params: { value: 'not this' } },
    ),
  );
  expect(await answerAt(path)).toMatchObject({ answer: { status: 404, body: 'late' } });
});

test('why an execution failed is not told to the caller, but stays with the execution', async () => {
  const { path } = await hook(
    chain({ id: 'a', type: 'fail', params: { code: 'secret_reason', message: 'the secret' } }),
  );
  const outcome = await answerAt(path);
  if (!('problem' in outcome)) throw new Error('it did not fail');
  expect(outcome.problem).toMatchObject({ code: 'execution_failed', errors: undefined });
  expect(outcome.problem.message).not.toContain('secret');
  expect(outcome.problem.message).toContain(outcome.executionId);
  const { error } = await ann.api.executions.get({ id: outcome.executionId });
  expect(error).toMatchObject({ code: 'secret_reason', message: 'the secret' });
});

test('threat 15: no other path, method, letter case or team answers', async () => {
  const { path } = await hook(answering(1));
  for (const [other, more] of [
    ['nothing-here', {}],
    [path.toUpperCase(), {}],
    [`${path}/more`, {}],
    [`${path}\0`, {}],
    ['\ud800', {}],
    ['', {}],
    [path, { method: 'GET' }],
    [path, { method: 'post' }],
    [path, { slug: 'nobody' }],
    [path, { slug: 'no\0body' }],
    [path, { slug: ann.slug.toUpperCase() }],
    [path, { slug: '' }],
  ] as const) {
    await expect(answerAt(other, null, more), JSON.stringify([other, more])).rejects.toMatchObject({
      code: 'not_found',
    });
  }
  expect(bodyOf(await answerAt(path))).toBe(1);
});

test('an input over the bound is refused before anything is stored', async () => {
  const { id, path } = await hook(answering(1));
  await expect(answerAt(path, 'x'.repeat(limits.valueBytes))).rejects.toMatchObject({ code: 'payload_too_large' });
  expect((await ann.api.executions.list({ workflowId: id })).items).toEqual([]);
});

test('a webhook that another process has just deleted is not found, also while this one remembers it', async () => {
  const { id, path } = await hook(answering(1));
  const immediate = await hook(answering(1), 'immediate');
  const remembering = { ...api, webhooks: createWebhooks(api.database.db) };
  const answer = (at: string) => answerWebhook(remembering, { slug: ann.slug, method: 'POST', path: at }, callOf(null));
  await answer(path);
  await answer(immediate.path);
  await ann.api.workflows.delete({ id, force: true });
  await ann.api.workflows.delete({ id: immediate.id, force: true });
  await expect(answer(path)).rejects.toMatchObject({ code: 'not_found' });
  await expect(answer(immediate.path)).rejects.toMatchObject({ code: 'not_found' });
});

test('many calls at once are each answered with their own result', async () => {
  const { path } = await hook(answering('{{ input }}'));
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => answerAt(path, i)));
  expect(answers.map(bodyOf)).toEqual(Array.from({ length: 60 }, (_, i) => i));
});
