import ipaddr from 'ipaddr.js';

function network(ip: string, bits: { v4: number; v6: number }): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  const length = address.kind() === 'ipv4' ? bits.v4 : bits.v6;
  const cidr = `${address.toString()}/${length}`;
  const start =
    address.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return `${start.toString()}/${length}`;
}

/** Whom an address stands for when attempts are counted: an IPv4 address, or the /64 that one IPv6 subscriber has to choose from. */
export function addressBucket(ip: string): string {
  return network(ip, { v4: 32, v6: 64 });
}

/** What people are shown of an address: enough to know a network again (/24, or /48 of IPv6), not who sits in it. */
export function addressPrefix(ip: string | null): string | null {
  return ip === null ? null : network(ip, { v4: 24, v6: 48 });
}
