/** Something that tells a listener of news until the function that it gives is called. */
export type Source = (listener: () => void) => () => void;

/** Waits for news of one thing; several pieces that arrive while nobody waits are one. */
export type Watch = {
  /** Resolves when there has been news since the last call, after `ms`, or once the signal is aborted. */
  next(ms?: number): Promise<void>;
  close(): void;
};

/** Listens to sources until it is closed or the signal is aborted. */
export function watch(sources: Source[], signal?: AbortSignal): Watch {
  let news = false;
  let wake = () => {};
  const unsubscribes = sources.map((subscribe) =>
    subscribe(() => {
      news = true;
      wake();
    }),
  );

  function close(): void {
    for (const unsubscribe of unsubscribes.splice(0)) unsubscribe();
    signal?.removeEventListener('abort', close);
    wake();
  }
  signal?.addEventListener('abort', close);

  return {
    async next(ms) {
      if (!news && !signal?.aborted) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (ms !== undefined) timer = setTimeout(resolve, Math.max(ms, 0));
        });
        clearTimeout(timer);
        wake = () => {};
      }
      news = false;
    },
    close,
  };
}
