/** The part of autocannon 9 that is used here; it brings no types of its own. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  export type Options = {
    url: string;
    method: string;
    headers: Record<string, string>;
    body?: string | undefined;
    /** The answer that every request must get, to the byte. */
    expectBody: string;
    connections: number;
    /** Seconds. */
    duration: number;
    /** Milliseconds between samples; a run ends with one. */
    sampleInt: number;
  };
  export type Result = {
    errors: number;
    timeouts: number;
    mismatches: number;
    non2xx: number;
    /** Answers in time. */
    requests: { total: number };
    /** Seconds. */
    duration: number;
  };
  /** Emits `response` with the client, the status, the bytes and the milliseconds; `reqMismatch` with the body. */
  export type Run = EventEmitter;
  export default function autocannon(options: Options, done: (error: Error | null, result: Result) => void): Run;
}
