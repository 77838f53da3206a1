import { Refusal } from '@flowplane/contract/errors';
import { EgressError } from '@flowplane/egress/errors';
import type { GuardedFetch, GuardedRequest } from '@flowplane/egress/guarded-fetch';
import type { z } from 'zod';

const maxBytes = 262_144;
const timeoutMs = 10_000;

/** How an issuer is asked. */
export type IssuerClient = {
  /** As people know it. */
  title: string;
  fetch: GuardedFetch;
  /** Told of what the operator should know: callers are told less. */
  onError: (error: Error) => void;
};

/** What it answered; `body` is undefined when that is not JSON. */
type Answered = { status: number; body: unknown };

/** That an issuer cannot be asked right now. */
export function away({ title, onError }: IssuerClient, error: Error): Refusal {
  onError(error);
  return new Refusal('unavailable', `${title} does not answer as it should right now: try again in a moment.`);
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

/**
 * Asks an issuer. Redirects are not followed: secrets are for the address that the operator or the issuer named.
 *
 * @throws Refusal `unavailable`, as a rejection, when there is no answer, or one that is its own fault.
 */
export async function ask(client: IssuerClient, url: string, request: GuardedRequest = {}): Promise<Answered> {
  const headers = { accept: 'application/json', 'user-agent': 'Flowplane', ...request.headers };
  try {
    const { status, body } = await client.fetch(url, { maxBytes, timeoutMs, ...request, headers, maxRedirects: 0 });
    if (status >= 500) throw away(client, new Error(`${new URL(url).host} answered ${status}`));
    return { status, body: parsed(body) };
  } catch (error) {
    throw error instanceof EgressError ? away(client, error) : error;
  }
}

/** Asks an issuer for what it has to have. @throws Refusal `unavailable`, as a rejection, for any other answer. */
export async function askFor<Schema extends z.ZodType>(
  client: IssuerClient,
  { url, schema, ...request }: GuardedRequest & { url: string; schema: Schema },
): Promise<z.output<Schema>> {
  const answered = await ask(client, url, request);
  return expected(client, url, { ...answered, schema });
}

/** What an answer has. @throws Refusal `unavailable` when it is another one. */
export function expected<Schema extends z.ZodType>(
  client: IssuerClient,
  url: string,
  { status, body, schema }: Answered & { schema: Schema },
): z.output<Schema> {
  const { success, data } = schema.safeParse(body);
  if (status === 200 && success) return data;
  throw away(client, new Error(`${new URL(url).host} answered ${status} with something else than was asked for`));
}
