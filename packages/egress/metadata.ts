import { type Address, parseAddress } from './address.ts';

/** Names under which clouds serve a machine's own credentials. */
const NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'instance-data',
  'instance-data.ec2.internal',
]);

/** 168.63.129.16 (Azure) is a public address; the others lie in ranges an operator may have opened for other reasons. */
const ADDRESSES = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
];

const CANONICAL_ADDRESSES = new Set(ADDRESSES.map((address) => parseAddress(address)?.toString()));

/** Whether a lower-case host name without trailing dot is a cloud metadata service. */
export function isMetadataName(host: string): boolean {
  return NAMES.has(host);
}

/** Whether an address is a cloud metadata service. */
export function isMetadataAddress(address: Address): boolean {
  return CANONICAL_ADDRESSES.has(address.toString());
}
