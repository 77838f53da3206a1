import { type Address, parseAddress, specialRange, translatedAddress } from './address.ts';
import { type AllowList, canonicalHost, coversAddress, listsAddress } from './allow-list.ts';
import { EgressError } from './errors.ts';
import { isMetadataAddress, isMetadataName } from './metadata.ts';

/**
 * Judges what can be known of a host before resolving it: an address literal entirely, a name only for being a cloud
 * metadata service.
 *
 * @param hostname as in `URL.hostname`, so every notation of an address is already normal and IPv6 stands in brackets.
 * @throws EgressError `egress_blocked`
 */
export function judgeHost(allow: AllowList, hostname: string): void {
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  if (parseAddress(literal)) {
    judgeAddress(allow, hostname, literal);
    return;
  }
  const name = canonicalHost(hostname);
  if (isMetadataName(name) && !allow.hosts.has(name)) throw blocked(hostname, 'is a cloud metadata service', name);
}

/**
 * Judges one address a host stands for. Public addresses pass; others need an entry for the host, the address or its range.
 * A metadata service hands out the machine's own credentials, so a range that happens to contain it does not open it: its
 * address must be listed by itself. Opening a translation range (64:ff9b::/96, which DNS64 needs) does not open the private
 * addresses that can be written in it.
 *
 * @throws EgressError `egress_blocked`
 */
export function judgeAddress(allow: AllowList, hostname: string, text: string): void {
  const address = parseAddress(text);
  if (address === undefined) throw blocked(hostname, 'does not stand for a valid IP address', canonicalHost(hostname));
  const literal = parseAddress(hostname.replace(/^\[(.*)\]$/, '$1')) !== undefined;
  if (isMetadataAddress(address)) {
    if (!listsAddress(allow, address)) throw blocked(hostname, 'is a cloud metadata service', 'the address itself');
    return;
  }
  const range = specialRange(address);
  if (range === undefined || listsAddress(allow, address)) return;
  if (permitted(allow, hostname, address)) {
    const translated = translatedAddress(address);
    if (translated !== undefined) judgeAddress(allow, hostname, translated);
    return;
  }
  const verb = literal ? 'is' : 'resolves to';
  throw blocked(
    hostname,
    `${verb} an address that is not public (${range})`,
    literal ? address.toString() : canonicalHost(hostname),
  );
}

function permitted(allow: AllowList, hostname: string, address: Address): boolean {
  return allow.hosts.has(canonicalHost(hostname)) || coversAddress(allow, address);
}

function blocked(hostname: string, why: string, entry: string): EgressError {
  const remedy = `If it should be reachable, the operator can add ${entry} to the egress allow-list.`;
  return new EgressError('egress_blocked', `Requests to "${hostname}" are blocked: it ${why}. ${remedy}`);
}
