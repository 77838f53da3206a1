import { randomInt, randomUUID } from 'node:crypto';

let lastMs = 0;
let counter = 0;

/**
 * A new id: UUID version 7, so that ids sort by the time at which they were made and pages can follow them. Those of one process
 * sort strictly: within a millisecond the 12 bits after the time count up (RFC 9562, section 6.2, method 1).
 */
export function newId(): string {
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // Starting anywhere in the lower half keeps ids hard to guess and leaves room to count.
    counter = randomInt(0x800);
  } else {
    counter += 1;
    if (counter > 0xfff) {
      lastMs += 1;
      counter = 0;
    }
  }
  const time = lastMs.toString(16).padStart(12, '0');
  const count = counter.toString(16).padStart(3, '0');
  // The second half of a random UUID has the same layout in all versions.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${randomUUID().slice(19)}`;
}
