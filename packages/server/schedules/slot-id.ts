import { createHash } from 'node:crypto';

/**
 * The id of the execution that a slot of a schedule starts: however many processes start it, and however often, it is one. A
 * UUID of version 7 with the slot's time, so that executions are listed by it.
 */
export function slotExecutionId({ workflowId, triggerId }: { workflowId: string; triggerId: string }, slot: Date) {
  const time = slot.getTime().toString(16).padStart(12, '0');
  const hash = createHash('sha256').update(`${workflowId} ${triggerId} ${slot.toISOString()}`).digest('hex');
  // The two bits of RFC 9562's variant.
  const variant = ((Number.parseInt(hash.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
}
