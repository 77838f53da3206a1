import type { Logger } from 'pino';

/** Ends the process in order, once, whatever asked for it. */
export type Shutdown = {
  draining: () => boolean;
  /** What is added last stops first. */
  add(name: string, stop: () => Promise<unknown>): void;
  /** Ends the process as failed. The error, if any, is logged. */
  fail(error: Error | undefined): Promise<never>;
};

const mostMs = 30_000;
/** One Ctrl-C may arrive several times: from the terminal and from each program in between. */
const sameMs = 1_000;

/** Listens for SIGINT, SIGTERM, SIGHUP and the end of the program that started us. */
export function createShutdown(log: Logger): Shutdown {
  const stops: { name: string; stop: () => Promise<unknown> }[] = [];
  let begun: number | undefined;

  async function end(code: number): Promise<never> {
    begun = performance.now();
    setTimeout(() => {
      log.error(`not stopped within ${mostMs / 1_000} s; ending anyway`);
      process.exit(1);
    }, mostMs).unref();
    for (const { name, stop } of stops.reverse()) {
      try {
        await stop();
      } catch (error) {
        log.error({ error }, `stopping ${name}`);
      }
    }
    process.exit(code);
  }

  function onSignal(signal: string): void {
    if (begun === undefined) {
      log.info(`${signal}: stopping`);
      void end(0);
    } else if (performance.now() - begun > sameMs) {
      log.warn(`${signal} again: ending at once; what was running goes on at the next start`);
      process.exit(1);
    }
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => onSignal(signal));
  process.on('disconnect', () => {
    if (begun === undefined) onSignal('the parent process ended');
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ error }, 'uncaught exception');
    if (begun === undefined) void end(1);
  });

  return {
    draining: () => begun !== undefined,
    add: (name, stop) => stops.push({ name, stop }),
    async fail(error) {
      if (error) log.fatal({ error }, 'cannot go on');
      if (begun === undefined) return end(1);
      return new Promise<never>(() => {});
    },
  };
}
