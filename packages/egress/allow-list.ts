import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type Address, parseAddress } from './address.ts';

const MAX_ENTRIES = 1_000;

/** What an operator lets Flowplane reach although it is not public. */
export type AllowList = {
  readonly hosts: ReadonlySet<string>;
  readonly addresses: ReadonlySet<string>;
  readonly ranges: readonly [Address, number][];
};

/**
 * Reads an operator's list of host names (`internal.example`), addresses (`127.0.0.1`) and CIDR ranges (`10.0.0.0/8`).
 *
 * @throws TypeError naming the first entry that is none of these: a rule that silently matches nothing, or (`10/8`, which
 * some parsers read as `0.0.0.10/8`) something else than was meant, must stop the start.
 */
export function parseAllowList(entries: readonly string[]): AllowList {
  if (entries.length > MAX_ENTRIES) throw new TypeError(`The egress allow-list has more than ${MAX_ENTRIES} entries.`);
  const hosts = new Set<string>();
  const addresses = new Set<string>();
  const ranges: [Address, number][] = [];
  for (const raw of entries) {
    const entry = raw.trim();
    const address = parseAddress(entry);
    if (address) addresses.add(address.toString());
    else if (entry.includes('/')) ranges.push(parseRange(entry));
    else hosts.add(parseHostName(entry));
  }
  return { hosts, addresses, ranges };
}

/** Whether the address itself is listed, not merely a range around it. */
export function listsAddress(allow: AllowList, address: Address): boolean {
  return allow.addresses.has(address.toString());
}

/** Whether the address is listed or lies in a listed range. */
export function coversAddress(allow: AllowList, address: Address): boolean {
  if (listsAddress(allow, address)) return true;
  return allow.ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}

/** A host as it is compared: lower case, without the dot that marks a fully qualified name. */
export function canonicalHost(host: string): string {
  return host.toLowerCase().replace(/\.+$/, '');
}

function parseRange(entry: string): [Address, number] {
  const [network = ''] = entry.split('/');
  if (isIP(network) === 0 || !ipaddr.isValidCIDR(entry)) {
    throw new TypeError(
      `The egress allow-list has "${entry}", which is not a CIDR range such as 10.0.0.0/8 or fd00::/8.`,
    );
  }
  const range = ipaddr.parseCIDR(entry);
  if (!isIPv4(network) && ipaddr.process(network).kind() === 'ipv4') {
    throw new TypeError(`The egress allow-list has "${entry}"; write a range of IPv4-mapped addresses as IPv4.`);
  }
  return range;
}

function parseHostName(entry: string): string {
  const url =
    /^[^\s/?#@:*[\]\\]+$/.test(entry) && URL.canParse(`http://${entry}`) ? new URL(`http://${entry}`) : undefined;
  if (url === undefined || isIP(url.hostname) !== 0) {
    throw new TypeError(
      `The egress allow-list has "${entry}", which is not a host name, an IP address or a CIDR range (no scheme, port or wildcard).`,
    );
  }
  return canonicalHost(url.hostname);
}
