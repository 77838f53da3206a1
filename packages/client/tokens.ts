/** What signing in answers, as far as a client needs it. May be stored as JSON. */
export type Tokens = {
  accessToken: string;
  /** Good for one exchange: two clients, tabs or processes that share one end the sign-in of both. */
  refreshToken: string;
  /** When the access token expires, a `Date` or its ISO 8601 text. Without it the first refused call tells. */
  expiresAt?: Date | string | undefined;
};

/** A sign-in that the client keeps up. What `auth.login` and `auth.register` answer is one. */
export type Session = Tokens & {
  /**
   * Called with every new pair of tokens, to store them; and with null when the sign-in is over, because it was refused or
   * by `auth.logout`. What it throws the calls reject with that needed the tokens.
   */
  onChange?: ((tokens: Tokens | null) => void) | undefined;
};
