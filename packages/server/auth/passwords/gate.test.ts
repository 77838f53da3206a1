import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createGate } from './gate.ts';

test('no more than so many run at once, in the order they came; those beyond the queue are refused at once', async () => {
  const gate = createGate({ atOnce: 2, waiting: 3 });
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    [1, 2, 3, 4, 5, 6, 7].map((n) =>
      gate(async () => {
        order.push(n);
        running += 1;
        most = Math.max(most, running);
        await sleep(5);
        running -= 1;
        return n;
      }),
    ),
  );
  expect(most).toBe(2);
  expect(order).toEqual([1, 2, 3, 4, 5]);
  const refused = results.filter((result) => result.status === 'rejected').map((result) => result.reason.code);
  expect(refused).toEqual(['unavailable', 'unavailable']);
});

test('work that fails gives its place back', async () => {
  const gate = createGate({ atOnce: 1, waiting: 1 });
  const failing = gate(() => Promise.reject(new Error('broken')));
  const waiting = gate(async () => 'ran');
  await expect(failing).rejects.toThrow('broken');
  await expect(waiting).resolves.toBe('ran');
  await expect(gate(async () => 'ran too')).resolves.toBe('ran too');
});
