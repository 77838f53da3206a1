import type { Lease } from './queue/lease.ts';

/**
 * The moments between which an execution can lose its worker: each stands beside something that lasts, a commit or what a node
 * does outside.
 */
export const faultPoints = {
  leased: 'It is leased, and nothing of it has been read or run.',
  committing: 'Its progress is about to be committed.',
  committed: 'Its progress is committed, and the worker has not gone on.',
  acting: 'It is on disk that a node’s effect was begun, and it is about to happen.',
  acted: 'The effect has happened, and that is not yet on disk.',
  calling: 'A step is about to insert the execution that it calls.',
  called: 'That execution is inserted, and the step does not wait for it yet.',
  ended: 'It is final, and what it has called and was to end with it has not been ended.',
} as const;

export type FaultPoint = keyof typeof faultPoints;

/** What a test of faults does at a point: resolves to let the execution go on, or never; or ends the process. */
export type AtFaultPoint = (point: FaultPoint, lease: Lease) => Promise<void>;
