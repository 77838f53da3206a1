import type { Logger } from 'pino';

/** Tells what is going on at the start: lines for people, or log records where logs are read by machines. */
export type Progress = {
  /** Does a step and tells how long it took. */
  step<Result>(what: string, work: () => Promise<Result>): Promise<Result>;
  say(text: string): void;
};

export function createProgress(log: Logger, forPeople: boolean): Progress {
  const say = (text: string) => {
    if (forPeople) process.stdout.write(`${text}\n`);
    else log.info(text);
  };
  return {
    say,
    async step(what, work) {
      const begun = performance.now();
      const result = await work();
      const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
      if (forPeople) say(`  ✓ ${what} (${seconds} s)`);
      else log.info({ duration_ms: Math.round(performance.now() - begun) }, what);
      return result;
    },
  };
}
