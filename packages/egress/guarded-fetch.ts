import { Agent, type Dispatcher } from 'undici';
import { type AllowList, parseAllowList } from './allow-list.ts';
import { createCheckedLookup, type Resolve, resolveBySystem } from './checked-lookup.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { toEgressError } from './egress-failure.ts';
import { EgressError } from './errors.ts';
import { firstHop, type Hop, nextHop, redirectLocation } from './hop.ts';
import { judgeHost } from './judge.ts';
import { checkLimits } from './request-limits.ts';
import { finishResponse, flattenHeaders } from './response.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * `allowPrivate`: the operator's host names, addresses and CIDR ranges that may be reached although they are not public.
 * `lookup`: how names are resolved, by default as the system does. `connectionsPerOrigin`: 64 unless given; more requests
 * wait, on their own time.
 */
export type EgressPolicy = { allowPrivate: readonly string[]; lookup?: Resolve; connectionsPerOrigin?: number };

/**
 * `timeoutMs` (30,000; at most 900,000) covers everything from resolving the name to the last byte. `maxBytes` (1 MiB; at most
 * 100 MiB) counts the decoded body. `maxRedirects` (5; at most 20): 0 hands a redirect back instead of following it.
 * `secretHeaders`: names of headers that, like `Authorization`, are for the first origin only.
 */
export type GuardedRequest = {
  method?: string;
  headers?: Record<string, string>;
  secretHeaders?: readonly string[];
  body?: string | Uint8Array;
  timeoutMs?: number;
  maxBytes?: number;
  maxRedirects?: number;
  signal?: AbortSignal;
};

/** `url` is the last one requested. Header names are lower case; repeated headers are joined by a comma. */
export type GuardedResponse = { status: number; url: string; headers: Record<string, string>; body: Uint8Array };

export type GuardedFetch = (url: string, request?: GuardedRequest) => Promise<GuardedResponse>;

/**
 * The way out for requests whose URL someone else can influence. Every address is judged when the connection is made, every
 * redirect is judged again, and time, bytes, redirects and connections are bounded. Any HTTP status is a response, not an
 * error. Proxies named in the environment are not used: they would resolve the name themselves.
 *
 * `fetch` rejects with EgressError only. `close` fails what is under way and ends all connections.
 *
 * @throws TypeError when the allow-list cannot be understood.
 */
export function createGuardedFetch(policy: EgressPolicy): { fetch: GuardedFetch; close(): Promise<void> } {
  const allow = parseAllowList(policy.allowPrivate);
  const agent = new Agent({
    allowH2: false,
    connections: policy.connectionsPerOrigin ?? 64,
    // The deadline bounds these; undici's own 300 s would cut off a slow answer that was given longer.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { lookup: createCheckedLookup(allow, policy.lookup ?? resolveBySystem), timeout: CONNECT_TIMEOUT_MS },
  });
  return {
    fetch: (url, request = {}) => guardedFetch({ agent, allow }, url, request),
    close: () => agent.destroy(),
  };
}

type Way = { agent: Agent; allow: AllowList };

async function guardedFetch(way: Way, url: string, request: GuardedRequest): Promise<GuardedResponse> {
  const limits = checkLimits(request);
  let hop = firstHop(url, request);
  using deadline = startDeadline(hop.url.host, limits.timeoutMs, request.signal);
  try {
    for (let redirects = 0; ; redirects += 1) {
      const response = await send(way, hop, deadline);
      response.body.on('error', () => {});
      const headers = flattenHeaders(response.headers);
      const location = limits.maxRedirects === 0 ? undefined : redirectLocation(response.statusCode, headers);
      if (location === undefined) {
        const arrived = { hop, status: response.statusCode, headers, body: response.body };
        return await deadline.race(finishResponse(arrived, limits.maxBytes));
      }
      // The body of a redirect may be endless, so the connection is given up rather than drained.
      response.body.destroy();
      if (redirects === limits.maxRedirects) throw tooManyRedirects(hop, redirects);
      hop = nextHop(hop, response.statusCode, location);
    }
  } catch (error) {
    throw toEgressError(error, hop.url.host);
  }
}

async function send(way: Way, hop: Hop, deadline: Deadline): Promise<Dispatcher.ResponseData> {
  deadline.signal.throwIfAborted();
  judgeHost(way.allow, hop.url.hostname);
  return deadline.race(
    way.agent.request({
      origin: hop.url.origin,
      path: hop.url.pathname + hop.url.search,
      method: hop.method,
      headers: hop.headers,
      body: hop.body ?? null,
      signal: deadline.signal,
    }),
  );
}

function tooManyRedirects(hop: Hop, redirects: number): EgressError {
  const message = `"${hop.url.host}" redirected once more after ${redirects} redirects; request the final URL directly.`;
  return new EgressError('egress_too_many_redirects', message);
}
