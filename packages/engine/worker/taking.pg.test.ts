import { newId } from '@flowplane/db/id';
import { expect, test } from 'vitest';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { NoRoom } from '../dispatch/no-room.ts';
import { eventually, losingDispatch, openBench, settled } from '../testing/engine.ts';
import { basics } from '../testing/nodes.ts';

/** A dispatch whose messages a test brings itself, and whether it is to take any. */
function byHand() {
  const held = { taking: true, look: async (_id: string) => {} };
  const dispatch: Dispatch = {
    ...losingDispatch,
    consume(look) {
      held.look = look;
    },
    pause() {
      held.taking = false;
    },
    resume() {
      held.taking = true;
    },
  };
  return { held, dispatch };
}

const lasts = (ms: number) => ({ nodes: [{ id: 'a', type: 'later', params: { ms } }] });

test('a worker without a free slot takes no messages until it has one', async () => {
  await using bench = await openBench();
  const { held, dispatch } = byHand();
  const engine = bench.engine(basics, { slots: 1, dispatch });
  const started = await engine.start(await bench.request(lasts(500)));
  engine.work();
  await expect(held.look(newId())).rejects.toBeInstanceOf(NoRoom);
  expect(held.taking).toBe(false);
  await settled(started);
  await eventually(() => held.taking);
  await held.look(newId());
});

test('a worker takes no messages while more waits in the queues than it has room for', async () => {
  await using bench = await openBench();
  const idle = bench.engine(basics, { slots: 0 });
  const request = await bench.request(lasts(200));
  const ids = await Promise.all(Array.from({ length: 12 }, async () => (await idle.start(request)).execution.id));
  const { held, dispatch } = byHand();
  const engine = bench.engine(basics, { slots: 4, dispatch });
  engine.work();
  await eventually(() => !held.taking);
  for (const id of ids) expect((await engine.wait(bench.teamId, id, 10_000))?.status).toBe('completed');
  await eventually(() => held.taking);
});

test('a worker that closes takes no more messages, and what it had taken goes to others', async () => {
  await using bench = await openBench();
  const { held, dispatch } = byHand();
  const engine = bench.engine(basics, { dispatch });
  engine.work();
  const started = await engine.start(await bench.request(lasts(300)));
  const closing = engine.close();
  expect(held.taking).toBe(false);
  await expect(held.look(newId())).rejects.toBeInstanceOf(NoRoom);
  expect((await settled(started)).status).toBe('completed');
  expect(held.taking).toBe(false);
  await closing;
});
