import { createTRPCUntypedClient } from '@trpc/client';
import { untilAborted } from './abort.ts';
import { answersOf } from './answers.ts';
import type { Client } from './api.ts';
import { callsOf } from './calls.ts';
import type { ClientOptions } from './client-options.ts';
import { withCredentials } from './credentials.ts';
import { shownOf } from './exchange-error.ts';
import { withMethods } from './execution-handle.ts';
import { failureOf } from './failure.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import { linksOf } from './links.ts';
import { procedures } from './procedures.gen.ts';
import { mayRepeat } from './repeat.ts';
import { withRetries } from './retry.ts';
import { openSession } from './session.ts';

function check({ retries = 0, apiKey, token, session }: ClientOptions): void {
  if (!Number.isInteger(retries) || retries < 0 || retries > 10) throw new TypeError('retries must be 0 to 10.');
  const given = [apiKey, token, session].filter((each) => each !== undefined);
  if (given.length > 1) throw new TypeError('Give one of apiKey, token and session: a request has one caller.');
}

/**
 * A client of the API: every procedure is a method, `client.workflows.create({ … })`; lists also have `.all()`, which iterates
 * over every item. Queries made in the same tick go out as one request. Dates are `Date`s.
 *
 * Its calls reject with a `FlowplaneError`, or with the reason of the signal that aborted them. Where it does no harm they
 * are sent again after a network failure, 429 and 5xx.
 *
 * @throws TypeError when the options contradict each other.
 */
export function createClient(options: ClientOptions): Client {
  check(options);
  const { url, headers = {}, retries = 2, apiKey, token, session: given } = options;
  const session = given && openSession(given, (refreshToken) => client.auth.refresh({ refreshToken }));
  const ask = answersOf(options.fetch ?? ((url, init) => globalThis.fetch(url, init)));
  const askSigned = withCredentials(ask, { apiKey, token, session });
  const trpc = createTRPCUntypedClient({ links: linksOf({ url, headers, ask, askSigned }) });

  const calls = callsOf(procedures, async (path, procedure, { input, options: { signal, idempotencyKey } }) => {
    const context = procedure.keyed ? { idempotencyKey: idempotencyKeyOf(idempotencyKey) } : {};
    const attempt = () =>
      trpc[procedure.kind](path, input, { signal, context }).catch((error) => Promise.reject(failureOf(error)));
    const repeat = { retries, signal, mayRepeat: (error: unknown) => mayRepeat(path, procedure, error) };
    try {
      const answer = await untilAborted(signal, () => withRetries(attempt, repeat));
      if (path === 'auth.logout') session?.end();
      return answer;
    } catch (error) {
      throw shownOf(error);
    }
  });
  // The methods come from a generated record of the paths that `Client` is typed by; a test keeps the two the same.
  const client = calls as Client;
  const { execute } = client.workflows;
  client.workflows.execute = async (...args) => withMethods(await execute(...args), client.executions);
  return client;
}
