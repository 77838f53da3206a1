import { LRUCache } from 'lru-cache';
import { addressBucket } from '../auth/address.ts';

/** To parse an address takes longer than to count a call. */
const known = new LRUCache<string, string>({ max: 10_000 });
const longestAddress = 45;

/** Whom an address stands for when calls are counted. */
export function addressKey(ip: string): string {
  const key = known.get(ip);
  if (key !== undefined) return key;
  const made = addressBucket(ip);
  if (ip.length <= longestAddress) known.set(ip, made);
  return made;
}
