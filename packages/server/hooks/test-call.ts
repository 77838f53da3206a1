import type { Json } from '@flowplane/contract/json';
import type { WebhookOutcome } from './answer.ts';
import type { WebhookCall } from './request.ts';

/** A call with an input, without a query and headers unless given. */
export function callOf(input: Json, more: Partial<WebhookCall> = {}): WebhookCall {
  return { headers: {}, query: {}, rawBody: Buffer.from(JSON.stringify(input)), input: () => input, ...more };
}

/** What a webhook answered. @throws the problem that it answered instead. */
export function bodyOf(outcome: WebhookOutcome): Json {
  if ('problem' in outcome) throw outcome.problem;
  if ('stream' in outcome) throw new Error('it answered with a stream');
  return outcome.answer.body;
}
