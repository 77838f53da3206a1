import autocannon from 'autocannon';

/** One HTTP request, and the answer that it must get. */
export type Load = {
  url: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  answer: string;
};

/** What a round of load measured. `wrong` says what else than the right answer came back; undefined when nothing did. */
export type Round = { perSecond: number; medianMs: number; wrong: string | undefined };

function median(sorted: number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const [upper = Number.NaN, lower = Number.NaN] = [sorted[middle], sorted[middle - 1]];
  return sorted.length % 2 === 1 ? upper : (upper + lower) / 2;
}

export function medianOf(values: number[]): number {
  return median(values.toSorted((a, b) => a - b));
}

/** Sends a request again and again over kept-alive connections. */
export function applyLoad(load: Load, options: { connections: number; seconds: number }): Promise<Round> {
  const { url, method, headers, body, answer } = load;
  const { connections, seconds } = options;
  // autocannon's own histogram has whole milliseconds.
  const times: number[] = [];
  let mismatch: string | undefined;
  return new Promise((resolve, reject) => {
    const run = autocannon(
      { url, method, headers, body, expectBody: answer, connections, duration: seconds, sampleInt: 100 },
      (error, result) => {
        if (error) {
          reject(error);
          return;
        }
        const { errors, timeouts, mismatches, non2xx } = result;
        const wrong =
          errors + timeouts + mismatches + non2xx === 0
            ? undefined
            : `${errors} errors, ${timeouts} timeouts, ${non2xx} not 2xx, ${mismatches} other answers${mismatch ? `, e.g. ${mismatch}` : ''}`;
        resolve({ perSecond: result.requests.total / result.duration, medianMs: medianOf(times), wrong });
      },
    );
    run.on('response', (_client: unknown, _status: number, _bytes: number, ms: number) => times.push(ms));
    run.on('reqMismatch', (text: string) => {
      mismatch ??= text.slice(0, 200);
    });
  });
}
