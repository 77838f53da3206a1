import type { Ask } from './answers.ts';
import { FlowplaneError } from './error.ts';
import { ExchangeError } from './exchange-error.ts';
import { isRefused } from './refused.ts';
import type { OpenSession } from './session.ts';

/** Who calls, and for which team. */
export type Credentials = {
  apiKey?: string | undefined;
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  session?: OpenSession | undefined;
  teamId?: string | undefined;
};

/** The headers that say who calls; `bearer` is the access token in them. */
export type Signature = { headers: Record<string, string>; bearer?: string | undefined };

/** Signs requests. */
export type Signer = {
  /**
   * The signature of the next request.
   *
   * @param refused one that the server refused: what follows is another.
   */
  sign: (refused?: Signature) => Promise<Signature>;
  /** Whether there is another signature after one that was refused. */
  renews: boolean;
};

/** What signs the requests of a client. */
export function signerOf({ apiKey, token, session, teamId }: Credentials): Signer {
  const team: Record<string, string> = teamId === undefined ? {} : { 'x-team-id': teamId };
  if (apiKey) return { renews: false, sign: async () => ({ headers: { ...team, 'x-api-key': apiKey } }) };
  return {
    renews: session !== undefined,
    async sign(refused) {
      const given = typeof token === 'function' ? await token() : token;
      const bearer = session ? await session.accessToken(refused?.bearer) : given;
      return { bearer, headers: bearer ? { ...team, authorization: `Bearer ${bearer}` } : team };
    },
  };
}

/** A request with further headers. */
export function withHeaders(init: RequestInit | undefined, more: Record<string, string>): RequestInit {
  const headers = new Headers(init?.headers);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  return { ...init, headers };
}

/** An `ask` that says who calls, and asks once more with new tokens when those of a session are refused. */
export function withCredentials(ask: Ask, { sign, renews }: Signer): Ask {
  return async (url, init) => {
    const signature = await sign();
    const answer = await ask(url, withHeaders(init, signature.headers));
    if (!renews || !isRefused(await answer.json())) return answer;
    // Whoever is refused was not served, so that asking again repeats nothing.
    return ask(url, withHeaders(init, (await sign(signature)).headers));
  };
}

function isOver(error: unknown): boolean {
  const why = error instanceof ExchangeError ? error.cause : error;
  return why instanceof FlowplaneError && why.code === 'unauthenticated';
}

/** The same, and one that does not say who calls once the sign-in is over. */
export function withCredentialsIfAny(ask: Ask, signer: Signer): Ask {
  const askSigned = withCredentials(ask, signer);
  return async (url, init) => {
    try {
      return await askSigned(url, init);
    } catch (error) {
      if (isOver(error)) return ask(url, init);
      throw error;
    }
  };
}
