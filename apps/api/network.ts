import { isIP } from 'node:net';

/** Whether a text is an IP address, or a range of them as CIDR has it. */
export function isNetwork(text: string): boolean {
  const [address = '', length, ...more] = text.split('/');
  const kind = isIP(address);
  if (kind === 0 || more.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (kind === 4 ? 32 : 128));
}
