/** What a WebSocket speaks: chosen where a client offers it. */
export const subprotocol = 'flowplane';

const bearer = 'bearer.';

/**
 * The credentials among the subprotocols that a WebSocket offers, as request headers: a page can send an access token only as
 * `bearer.<token>` beside `flowplane`, never in the URL, which ends up in logs.
 */
export function headersOfProtocols(protocols: readonly string[]): Record<string, string> {
  const token = protocols.find((protocol) => protocol.startsWith(bearer))?.slice(bearer.length);
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}
