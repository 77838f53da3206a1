import type { Ask } from './answers.ts';
import { isRefused } from './refused.ts';
import type { OpenSession } from './session.ts';

/** Who calls. */
export type Credentials = {
  apiKey?: string | undefined;
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  session?: OpenSession | undefined;
};

function signed(init: RequestInit | undefined, name: string, value: string | undefined): RequestInit {
  const headers = new Headers(init?.headers);
  if (value) headers.set(name, value);
  return { ...init, headers };
}

/** An `ask` that says who calls, and asks once more with new tokens when those of a session are refused. */
export function withCredentials(ask: Ask, { apiKey, token, session }: Credentials): Ask {
  if (apiKey) return (url, init) => ask(url, signed(init, 'x-api-key', apiKey));
  return async (url, init) => {
    const send = (bearer: string | undefined) => ask(url, signed(init, 'authorization', bearer && `Bearer ${bearer}`));
    if (!session) return send(typeof token === 'function' ? await token() : token);
    const bearer = await session.accessToken();
    const answer = await send(bearer);
    // Whoever is refused was not served, so that asking again repeats nothing.
    return isRefused(await answer.json()) ? send(await session.accessToken(bearer)) : answer;
  };
}
