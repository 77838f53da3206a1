import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Address = ReturnType<typeof ipaddr.parse>;

const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * An address as the connection will use it: IPv4-mapped IPv6 becomes the IPv4 address it stands for. Only the strict
 * notations of `net.isIP` are read (`127.1` and `0x7f.1` are not); `undefined` for anything else.
 */
export function parseAddress(text: string): Address | undefined {
  return isIP(text) === 0 ? undefined : ipaddr.process(text);
}

/**
 * The special-purpose range an address lies in (`loopback`, `private`, `linkLocal`, `rfc6052` for NAT64, `6to4`, …), or
 * `undefined` when it is an ordinary global unicast address.
 *
 * IPv6 is judged by what IANA has allocated for global unicast (2000::/3), because ipaddr.js calls everything it has no
 * name for `unicast`, among it the IPv4-compatible `::127.0.0.1`.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export function specialRange(address: Address): string | undefined {
  const range = address.range();
  if (range !== 'unicast') return range;
  if (address.kind() === 'ipv6' && !address.match(GLOBAL_UNICAST_V6)) return 'reserved';
  return undefined;
}

/**
 * The IPv4 address a translator would turn an IPv6 address into: NAT64's well-known prefix and SIIT carry it at the end,
 * 6to4 after its prefix.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6052#section-2.1
 * @see https://www.rfc-editor.org/rfc/rfc3056#section-2
 */
export function translatedAddress(address: Address): string | undefined {
  const range = address.range();
  if (range === '6to4') return address.toByteArray().slice(2, 6).join('.');
  if (range === 'rfc6052' || range === 'rfc6145') return address.toByteArray().slice(12).join('.');
  return undefined;
}
