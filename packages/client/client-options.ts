import type { Session } from './tokens.ts';

/** Where the API is and who calls it: at most one of `apiKey`, `token` and `session`. */
export type ClientOptions = {
  /** The address of Flowplane, without a path of the API: `https://flowplane.example.com`. */
  url: string;
  /** Sent as `X-API-Key`. */
  apiKey?: string | undefined;
  /** An access token, or what gives the current one; asked before every request. */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** What signing in answered. The client gets new tokens when they expire, once for however many calls. */
  session?: Session | undefined;
  /** Which of the caller's teams the calls are for; without it the one of the API key, or the caller's personal team. */
  teamId?: string | undefined;
  /** How often a call that failed is sent again where that does no harm, 0 to 10; 2 when absent. */
  retries?: number | undefined;
  /** Further headers of every request. */
  headers?: Record<string, string> | undefined;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
};
