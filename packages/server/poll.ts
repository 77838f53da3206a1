/** Looks again and again, as long as it is not stopped. */
export type Poll = {
  start(): void;
  /** Resolves when the look that is under way, if any, is through. */
  stop(): Promise<void>;
};

/** The longest pause between two looks. */
const mostMs = 1_000;

/**
 * @param options.look @returns ms until there is something to do, as far as it is known; the next look comes within a second.
 * @param options.onError told of what a look failed with; looking goes on.
 */
export function createPoll(options: { look: () => Promise<number>; onError: (error: unknown) => void }): Poll {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let looking = Promise.resolve();

  async function once(): Promise<void> {
    let pause = mostMs;
    try {
      pause = Math.min(Math.max(await options.look(), 0), mostMs);
    } catch (error) {
      options.onError(error);
    }
    if (!stopped) timer = setTimeout(begin, Math.ceil(pause));
  }
  function begin(): void {
    looking = once();
  }

  return {
    start: begin,
    stop() {
      stopped = true;
      clearTimeout(timer);
      return looking;
    },
  };
}
