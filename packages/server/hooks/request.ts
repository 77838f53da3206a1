import { Refusal } from '@flowplane/contract/errors';
import { isJson, type Json, jsonBounds } from '@flowplane/contract/json';
import type { SignedRequest } from './signature.ts';
import type { Webhook, WebhookAddress } from './webhooks.ts';

/** A call of a webhook, besides where it came to. */
export type WebhookCall = SignedRequest & {
  query: Record<string, unknown>;
  /** Reads the execution's input from it; asked once the caller has proved who it is. @throws what is wrong with the body. */
  input(): Json;
};

/** What says who the caller is, or how the connection is kept: workflows have no use for either. */
const withheld = new Set([
  'authorization',
  'connection',
  'cookie',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
]);

/** What expressions see as `run.request`. Its size is bounded by what the server takes as head of a request: 16 KB. */
export function requestOf(
  { method, path }: WebhookAddress,
  { params, verify }: Pick<Webhook, 'params' | 'verify'>,
  { query, headers }: Pick<WebhookCall, 'query' | 'headers'>,
): Json {
  const signature = verify?.scheme === 'hmac' ? verify.signatureHeader.toLowerCase() : 'webhook-signature';
  const shown = Object.entries(headers).filter(([name]) => !withheld.has(name) && name !== signature);
  const request = { method, path, params, query: { ...query }, headers: Object.fromEntries(shown) };
  if (isJson(request)) return request;
  throw new Refusal('bad_request', `The query and the headers must be ${jsonBounds}.`);
}
