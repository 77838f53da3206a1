import { Refusal } from '@flowplane/contract/errors';
import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import type { Database } from '@flowplane/db/database';
import type { Engine } from '@flowplane/engine/engine';
import { isFinal } from '@flowplane/engine/execution';
import type { HttpAnswer } from '@flowplane/engine/node-type';
import { finished } from '../executions/finished.ts';
import { startExecution } from '../executions/start.ts';
import { checkInputSize } from '../workflows/input-size.ts';
import { journalledAnswer } from './journalled-answer.ts';
import type { WebhookAddress, Webhooks } from './webhooks.ts';

/** What a webhook answers; `problem` instead of `answer` when the execution failed. */
export type WebhookOutcome = { executionId: string } & ({ answer: HttpAnswer } | { problem: Refusal });

function noWebhook({ method, slug, path }: WebhookAddress): Refusal {
  return new Refusal('not_found', `No published workflow answers ${method} /hooks/${slug}/${path}.`);
}

function accepted(executionId: string): HttpAnswer {
  return { status: 202, headers: {}, body: { executionId } };
}

/**
 * Starts an execution of the workflow that was published at an address last, with `input`, and answers as its trigger says:
 * with 202 at once, or with a `respond` node's answer or the output when there is one within a minute.
 *
 * @throws Refusal `not_found`, `payload_too_large`.
 */
export async function answerWebhook(
  deps: { database: Database; engine: Engine; webhooks: Webhooks },
  address: WebhookAddress,
  input: Json,
): Promise<WebhookOutcome> {
  const webhook = await deps.webhooks.find(address);
  if (!webhook) throw noWebhook(address);
  checkInputSize(input);
  const { teamId, workflowId, version, definitionHash } = webhook;
  const request = { teamId, workflowId, version, definitionHash, trigger: `webhook:${webhook.triggerId}`, input };
  if (webhook.respond === 'immediate') {
    const started = await startExecution(deps.engine, request);
    if (!started) throw noWebhook(address);
    const { id } = started.execution;
    return { executionId: id, answer: accepted(id) };
  }

  let early = (_answer: HttpAnswer) => {};
  const responded = new Promise<HttpAnswer>((resolve) => {
    early = resolve;
  });
  const started = await startExecution(deps.engine, { ...request, onRespond: early });
  if (!started) throw noWebhook(address);
  const { id } = started.execution;
  let endedHere = false;
  void started.held?.then(({ status }) => {
    endedHere = isFinal(status);
  });
  const ended = finished(deps.engine, started, { teamId, ms: limits.waitSeconds * 1_000 });
  const first = await Promise.race([responded, ended]);
  if (!('id' in first)) return { executionId: id, answer: first };
  // Where another lease ran the `respond` node, its answer is in the journal.
  const answer = endedHere ? undefined : await journalledAnswer(deps.database, id);
  if (answer) return { executionId: id, answer };
  if (first.status === 'completed') {
    return { executionId: id, answer: { status: 200, headers: {}, body: first.output } };
  }
  if (first.status === 'failed' || first.status === 'cancelled') {
    // The caller may be anybody: why it failed is for those who may read the execution.
    return { executionId: id, problem: new Refusal('execution_failed', `Execution ${id} ended without a result.`) };
  }
  return { executionId: id, answer: accepted(id) };
}
