import { createTRPCUntypedClient } from '@trpc/client';
import { untilAborted } from './abort.ts';
import { answersOf } from './answers.ts';
import type { Client } from './api.ts';
import { type Call, type CallArguments, callsOf } from './calls.ts';
import type { ClientOptions } from './client-options.ts';
import { signerOf, withCredentials, withCredentialsIfAny } from './credentials.ts';
import { eventIterable } from './event-iterable.ts';
import { shownOf } from './exchange-error.ts';
import { withMethods } from './execution-handle.ts';
import { failureOf } from './failure.ts';
import { followEvents } from './follow-events.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import { linksOf } from './links.ts';
import { procedures } from './procedures.gen.ts';
import { mayRepeat } from './repeat.ts';
import { withRetries } from './retry.ts';
import { openSession } from './session.ts';

/** Milliseconds without a byte after which a stream's connection is taken for dead: three of the server's pings. */
const silence = 45_000;

function check({ retries = 0, apiKey, token, session, teamId }: ClientOptions): void {
  if (!Number.isInteger(retries) || retries < 0 || retries > 10) throw new TypeError('retries must be 0 to 10.');
  if (teamId !== undefined && !/^[\w-]{1,64}$/.test(teamId)) throw new TypeError('teamId must be the id of a team.');
  const given = [apiKey, token, session].filter((each) => each !== undefined);
  if (given.length > 1) throw new TypeError('Give one of apiKey, token and session: a request has one caller.');
}

/**
 * A client of the API: every procedure is a method, `client.workflows.create({ … })`; lists also have `.all()`, which iterates
 * over every item, and streams are async iterables. Queries made in the same tick go out as one request. Dates are `Date`s.
 *
 * Its calls reject with a `FlowplaneError`, or with the reason of the signal that aborted them. Where it does no harm they
 * are sent again after a network failure, 429 and 5xx.
 *
 * @throws TypeError when the options contradict each other.
 */
export function createClient(options: ClientOptions): Client {
  check(options);
  const { url, headers = {}, retries = 2, apiKey, token, session: given, teamId } = options;
  const session = given && openSession(given, (refreshToken) => client.auth.refresh({ refreshToken }));
  const ask = answersOf(options.fetch ?? ((url, init) => globalThis.fetch(url, init)));
  const signer = signerOf({ apiKey, token, session, teamId });
  const endpoint = `${url.replace(/\/+$/, '')}/trpc`;
  const askSigned = withCredentials(ask, signer);
  const links = linksOf({ endpoint, headers, ask, askSigned, askIfSigned: withCredentialsIfAny(ask, signer) });
  const trpc = createTRPCUntypedClient({ links });

  async function call(path: string, procedure: Call, { input, options }: CallArguments): Promise<unknown> {
    const { signal, idempotencyKey } = options;
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
  }

  const source = { ask, endpoint, headers, silence, signer, retries };
  const calls = callsOf(procedures, {
    call,
    follow: (stream, { signal, onConnection }) =>
      eventIterable((inner) => followEvents(source, stream, { signal: inner, onConnection }), signal),
  });
  // The methods come from a generated record of the paths that `Client` is typed by; a test keeps the two the same.
  const client = calls as Client;
  const { execute } = client.workflows;
  client.workflows.execute = async (...args) => withMethods(await execute(...args), client.executions);
  const { changePassword } = client.users;
  client.users.changePassword = async (...args) => {
    const signedIn = await changePassword(...args);
    session?.replace(signedIn);
    return signedIn;
  };
  return client;
}
