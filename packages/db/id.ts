import { randomUUIDv7 } from 'node:crypto';

/** A new id: UUID version 7 (RFC 9562), so that ids sort by the time at which they were made and pages can follow them. */
export function newId(): string {
  return randomUUIDv7();
}
