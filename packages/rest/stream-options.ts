/** How streams of events behave in time, in milliseconds. */
export type StreamOptions = {
  /** How long the first event may keep the answer's head waiting; 50 unless said. */
  firstEventMs?: number;
  /** Between the signs of life on a quiet stream; 15,000 unless said. */
  heartbeatMs?: number;
  /** A reader that takes nothing for so long is disconnected; 30,000 unless said. */
  stallMs?: number;
};

export type StreamTimes = Required<StreamOptions>;

/** The options with their defaults. */
export function streamTimes(options: StreamOptions = {}): StreamTimes {
  return { firstEventMs: 50, heartbeatMs: 15_000, stallMs: 30_000, ...options };
}
