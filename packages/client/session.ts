import { FlowplaneError } from './error.ts';
import { ExchangeError } from './exchange-error.ts';
import type { Session, Tokens } from './tokens.ts';

/** A token that expires sooner than this, in milliseconds, might do so on its way. */
const margin = 30_000;

function dueOf({ expiresAt }: Tokens): number {
  const due = expiresAt === undefined ? Number.NaN : new Date(expiresAt).getTime() - margin;
  return Number.isNaN(due) ? Number.POSITIVE_INFINITY : due;
}

/** The tokens of one sign-in. */
export type OpenSession = {
  /**
   * An access token to send; exchanged first where it is about to expire or is the one that was refused. However many ask,
   * one exchange is under way.
   *
   * @throws FlowplaneError `unauthenticated` when the sign-in is over, ExchangeError when there is no new token.
   */
  accessToken: (refused?: string) => Promise<string>;
  /** Goes on with the tokens of a new sign-in in the place of this one. */
  replace: (next: Tokens) => void;
  /** Forgets the tokens. */
  end: () => void;
};

/** Keeps the tokens of a sign-in, and exchanges them by `refresh`. */
export function openSession(
  { accessToken, refreshToken, expiresAt, onChange }: Session,
  refresh: (refreshToken: string) => Promise<Tokens>,
): OpenSession {
  let tokens: Tokens | null = { accessToken, refreshToken, expiresAt };
  let due = dueOf(tokens);
  let exchange: Promise<void> | undefined;

  function change(next: Tokens | null): void {
    tokens = next;
    due = next ? dueOf(next) : 0;
    // A clock that is ahead would have every call exchange the tokens: then a refused call tells instead.
    if (due <= Date.now()) due = Number.POSITIVE_INFINITY;
    onChange?.(next);
  }

  async function renew(old: Tokens): Promise<void> {
    try {
      const { accessToken, refreshToken, expiresAt } = await refresh(old.refreshToken);
      // Signing out meanwhile is final.
      if (tokens === old) change({ accessToken, refreshToken, expiresAt });
    } catch (error) {
      const over = error instanceof FlowplaneError && error.code === 'unauthenticated';
      if (over && tokens === old) change(null);
      throw new ExchangeError('The tokens could not be exchanged.', { cause: error });
    }
  }

  return {
    async accessToken(refused) {
      if (tokens && (exchange || tokens.accessToken === refused || due <= Date.now())) {
        exchange ??= renew(tokens).finally(() => {
          exchange = undefined;
        });
        await exchange;
      }
      if (tokens) return tokens.accessToken;
      const detail = 'The sign-in of this client is over: sign in again and create a client with the new tokens.';
      throw new FlowplaneError({ status: 401, code: 'unauthenticated', detail });
    },
    replace({ accessToken, refreshToken, expiresAt }) {
      if (tokens) change({ accessToken, refreshToken, expiresAt });
    },
    end() {
      if (tokens) change(null);
    },
  };
}
