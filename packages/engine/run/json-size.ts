import { limits } from '@flowplane/contract/limits';

/**
 * How many characters of `room` are left at most after the JSON of `value`; negative when it does not fit. Stops as soon as that
 * is certain, because a template may repeat one large value ten thousand times: as text that took seconds and gigabytes.
 */
export function roomAfter(value: unknown, room: number, depth: number = limits.jsonDepth): number {
  if (typeof value === 'string') return room - value.length - 2;
  if (value === null || typeof value !== 'object' || depth < 0) return room - 1;
  let left = room - 1;
  const isArray = Array.isArray(value);
  for (const [key, item] of Object.entries(value)) {
    if (left < 0) return left;
    if (item !== undefined) left = roomAfter(item, left - (isArray ? 1 : key.length + 4), depth - 1);
  }
  return left;
}
