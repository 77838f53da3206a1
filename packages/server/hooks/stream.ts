import { limits } from '@flowplane/contract/limits';
import { isFinal } from '@flowplane/engine/execution';
import { noWebhook, type WebhookDeps } from './answer.ts';
import { resumedFrom, type StrangersEvent, strangersEvents } from './strangers-events.ts';
import type { WebhookAddress } from './webhooks.ts';

type Events = AsyncGenerator<StrangersEvent, void, undefined>;

/** Strangers together, whoever they are. */
function readerOf(teamId: string) {
  return { id: `webhooks:${teamId}`, most: limits.streamsOfWebhooks };
}

/** The events of an execution that a webhook has just started. @throws Refusal `not_found`, `unavailable`, `rate_limited`. */
export async function eventsOfWebhook(
  { engine }: Pick<WebhookDeps, 'engine'>,
  { address, executionId, teamId }: { address: WebhookAddress; executionId: string; teamId: string },
  signal: AbortSignal,
): Promise<Events> {
  const events = await engine.events(teamId, executionId, { signal, reader: readerOf(teamId) });
  if (!events) throw noWebhook(address);
  return strangersEvents(executionId, events);
}

async function* withFirst(first: StrangersEvent, rest: Events): Events {
  yield first;
  yield* rest;
}

/**
 * Goes on with a stream after the event that its reader had last, instead of starting another execution: an EventSource comes
 * again after every end. Signed webhooks are not resumed: nothing of it would be signed.
 *
 * @returns undefined when the id is of no event of this webhook; `over` when nothing comes after it.
 * @throws Refusal `unavailable`, `rate_limited`.
 */
export async function resumeWebhook(
  { engine, webhooks }: Pick<WebhookDeps, 'engine' | 'webhooks'>,
  { address, lastEventId }: { address: WebhookAddress; lastEventId: string },
  signal: AbortSignal,
): Promise<{ executionId: string; events: Events } | 'over' | undefined> {
  const from = resumedFrom(lastEventId);
  const webhook = from && (await webhooks.find(address));
  if (!webhook || webhook.verify || webhook.respond !== 'stream') return undefined;
  const { executionId, after } = from;
  const { teamId, workflowId, triggerId } = webhook;
  const execution = await engine.wait(teamId, executionId, 0);
  if (execution?.workflowId !== workflowId || execution.trigger !== `webhook:${triggerId}`) return undefined;
  const raw = await engine.events(teamId, executionId, { after, signal, reader: readerOf(teamId) });
  if (!raw) return undefined;
  const events = strangersEvents(executionId, raw);
  if (!isFinal(execution.status)) return { executionId, events };
  const first = await events.next();
  return first.done ? 'over' : { executionId, events: withFirst(first.value, events) };
}
