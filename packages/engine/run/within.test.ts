import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { within } from './within.ts';

const never = new AbortController().signal;

test('what came in while the process was busy is heard before work is given up as silent', async () => {
  const { port1, port2 } = new MessageChannel();
  const work = within({ limits: [], silenceMs: 50 }, never, async (_, alive) => {
    for (let count = 0; count < 5; count += 1) {
      // After this, timers have their turn before messages are looked at.
      await nextTurn();
      const heard = once(port2, 'message');
      port1.postMessage(count);
      const until = performance.now() + 100;
      while (performance.now() < until);
      await heard;
      alive();
    }
    return 'done';
  });
  expect(await work).toBe('done');
  port1.close();
});

test('work that is silent is told to stop, and fails although it goes on; without patience it may be silent for good', async () => {
  let told: AbortSignal | undefined;
  const silent = (signal: AbortSignal) => {
    told = signal;
    return new Promise(() => {});
  };
  await expect(within({ limits: [60_000], silenceMs: 10 }, never, silent)).rejects.toMatchObject({
    code: 'heartbeat_timeout',
    message: 'The node gave no sign of life for 10 ms.',
  });
  expect(told?.aborted).toBe(true);
  await expect(within({ limits: [10], silenceMs: 60_000 }, never, silent)).rejects.toMatchObject({ code: 'timeout' });
  expect(within({ limits: [], silenceMs: undefined }, never, () => 1)).toBe(1);
});
