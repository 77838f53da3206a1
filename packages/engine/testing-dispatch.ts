import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Dispatch } from './dispatch.ts';
import { eventually } from './testing-engine.ts';

/** What every store must do: one dispatch sends, the other looks, no more than four at once; one look fails. Closes both. */
export async function exchange(sender: Dispatch, taker: Dispatch): Promise<void> {
  const seen: string[] = [];
  let atOnce = 0;
  let most = 0;
  taker.consume(async (id) => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await sleep(20);
    atOnce -= 1;
    seen.push(id);
    if (id === '7') throw new Error('cannot look');
  }, 4);
  const ids = Array.from({ length: 20 }, (_, index) => String(index));
  await sender.send(ids);
  await eventually(() => seen.length >= ids.length);
  await sleep(200);
  expect(seen.toSorted()).toEqual(ids.toSorted());
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(4);
  await sender.check();
  await taker.close();
  await sender.close();
}
