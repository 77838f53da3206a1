import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '@flowplane/contract/errors';
import type { Execution } from '@flowplane/contract/execution';
import { limits } from '@flowplane/contract/limits';
import type { Database } from '@flowplane/db/database';
import type { Engine, Started, StartRequest } from '@flowplane/engine/engine';
import { isFinal } from '@flowplane/engine/execution';
import type { HttpAnswer } from '@flowplane/engine/node-type';
import type { Vault } from '../credentials/vault.ts';
import { finished } from '../executions/finished.ts';
import { isForeignKeyViolation, startExecution } from '../executions/start.ts';
import { checkInputSize } from '../workflows/input-size.ts';
import { journalledAnswer } from './journalled-answer.ts';
import { executionOfMessage } from './messages.ts';
import { requestOf, type WebhookCall } from './request.ts';
import { verifyRequest } from './verify.ts';
import type { Webhook, WebhookAddress, Webhooks } from './webhooks.ts';

/** What webhooks are answered with. */
export type WebhookDeps = { database: Database; engine: Engine; webhooks: Webhooks; vault: Vault };

/** What a webhook answers: `problem` when the execution failed, `stream` where its events are the answer. */
export type WebhookOutcome = { executionId: string } & (
  | { answer: HttpAnswer }
  | { problem: Refusal }
  | { stream: { teamId: string } }
);

export function noWebhook({ method, slug, path }: WebhookAddress): Refusal {
  return new Refusal('not_found', `No published workflow answers ${method} /hooks/${slug}/${path}.`);
}

function accepted(executionId: string): HttpAnswer {
  return { status: 202, headers: {}, body: { executionId } };
}

/** How often the journal is asked for an answer that another process, or a later lease, may have written. */
const pollMs = { first: 50, most: 500 };

/** The first answer in the journal while an execution is under way; undefined when it ends without one. */
async function nextAnswer(database: Database, id: string, ended: Promise<unknown>): Promise<HttpAnswer | undefined> {
  let isOver = false;
  const over = ended.then(() => {
    isOver = true;
  });
  for (let pause = pollMs.first; ; pause = Math.min(pause * 2, pollMs.most)) {
    await Promise.race([sleep(pause, undefined, { ref: false }), over]);
    const answer = await journalledAnswer(database, id);
    if (answer || isOver) return answer;
  }
}

function outcomeOf({ id, status, output }: Execution): WebhookOutcome {
  if (status === 'completed') return { executionId: id, answer: { status: 200, headers: {}, body: output } };
  if (status === 'failed' || status === 'cancelled') {
    // The caller may be anybody: why it failed is for those who may read the execution.
    return { executionId: id, problem: new Refusal('execution_failed', `Execution ${id} ended without a result.`) };
  }
  return { executionId: id, answer: accepted(id) };
}

/** The answer of an execution that this process runs at once: a `respond` node tells it directly. */
async function resultHere(
  { database, engine }: Pick<WebhookDeps, 'database' | 'engine'>,
  { held, started, teamId }: { held: Promise<Execution>; started: Started; teamId: string },
  responded: Promise<HttpAnswer>,
): Promise<WebhookOutcome> {
  const { id } = started.execution;
  let endedHere = false;
  void held.then(({ status }) => {
    endedHere = isFinal(status);
  });
  const first = await Promise.race([responded, finished(engine, started, { teamId, ms: limits.waitSeconds * 1_000 })]);
  if (!('id' in first)) return { executionId: id, answer: first };
  // Where another lease ran the `respond` node, its answer is in the journal.
  const answer = endedHere ? undefined : await journalledAnswer(database, id);
  return answer ? { executionId: id, answer } : outcomeOf(first);
}

/** The answer of an execution that somebody else runs, or ran when its message came first. */
async function resultElsewhere(
  { database, engine }: Pick<WebhookDeps, 'database' | 'engine'>,
  { started, teamId }: { started: Started; teamId: string },
): Promise<WebhookOutcome> {
  const { id } = started.execution;
  const ended = finished(engine, started, { teamId, ms: limits.waitSeconds * 1_000 });
  const answer = await nextAnswer(database, id, ended);
  return answer ? { executionId: id, answer } : outcomeOf(await ended);
}

/** Starts the execution, or finds the one that its message has started before. */
async function start(
  { engine, database }: WebhookDeps,
  {
    webhook,
    message,
    address,
  }: { webhook: Webhook; message: { key: string; seconds: number } | undefined; address: WebhookAddress },
  request: Omit<StartRequest, 'id'>,
): Promise<Started> {
  const id =
    message &&
    (await executionOfMessage(database.db, webhook, message).catch((error: unknown) => {
      throw isForeignKeyViolation(error) ? noWebhook(address) : error;
    }));
  const started = await startExecution(engine, { ...request, id });
  if (!started) throw noWebhook(address);
  return started;
}

/**
 * Starts an execution of the workflow that was published at an address last, and answers as its trigger says: with 202 at once,
 * with a `respond` node's answer or the output when there is one within a minute, or with the execution's events. A signed
 * message that comes again is answered with the execution that it started the first time.
 *
 * @throws Refusal `not_found`, `invalid_signature`, `payload_too_large`, `bad_request`, `unavailable`.
 */
export async function answerWebhook(
  deps: WebhookDeps,
  address: WebhookAddress,
  call: WebhookCall,
): Promise<WebhookOutcome> {
  const webhook = await deps.webhooks.find(address);
  if (!webhook) throw noWebhook(address);
  const { teamId, workflowId, version, definitionHash, verify, respond } = webhook;
  const { key, seconds = 0 } = verify ? await verifyRequest(deps.vault, { teamId, verify }, call) : {};
  const message = key === undefined ? undefined : { key, seconds };
  const input = call.input();
  checkInputSize(input);
  const request = requestOf(address, webhook, call);
  const trigger = `webhook:${webhook.triggerId}`;
  let early = (_answer: HttpAnswer) => {};
  const responded = new Promise<HttpAnswer>((resolve) => {
    early = resolve;
  });
  const onRespond = respond === 'result' ? early : undefined;
  const what = { teamId, workflowId, version, definitionHash, trigger, input, request, onRespond };
  const started = await start(deps, { webhook, message, address }, what);
  const { held } = started;
  const { id } = started.execution;
  if (respond === 'immediate') return { executionId: id, answer: accepted(id) };
  if (respond === 'stream') return { executionId: id, stream: { teamId } };
  return held ? resultHere(deps, { held, started, teamId }, responded) : resultElsewhere(deps, { started, teamId });
}
