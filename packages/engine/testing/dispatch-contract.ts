import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { NoRoom } from '../dispatch/no-room.ts';
import { arrives, type Carrier, closingTakes, newIds, openTaker, send, shuffled, succeeds } from './carrier.ts';
import { eventually, openBench } from './engine.ts';
import { basics, node } from './nodes.ts';

/** How long closing may take; and where the store is away, which BullMQ waits for twice. */
const promptMs = 2_500;
const awayMs = 6_000;

/**
 * What dispatch promises, as tests, whatever carries the messages.
 *
 * @param openCarrier an empty store; undefined where there is none here: the tests are skipped.
 * @param options.startsAlone whether a process starts without the store.
 */
export function dispatchContract(
  openCarrier: (() => Promise<Carrier>) | undefined,
  options: { startsAlone: boolean },
): void {
  function promise(name: string, check: (carrier: Carrier) => Promise<void>): void {
    test.skipIf(!openCarrier)(
      name,
      async () => {
        if (!openCarrier) throw new Error('There is no store');
        await using carrier = await openCarrier();
        await check(carrier);
      },
      60_000,
    );
  }

  promise(
    'what one process sends, another looks at, so many at once; what failed there is not repeated',
    async (carrier) => {
      const [sender, taker] = [await carrier.open(), await carrier.open()];
      const ids = newIds(20);
      const seen: string[] = [];
      let atOnce = 0;
      let most = 0;
      taker.consume(async (id) => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await sleep(20);
        atOnce -= 1;
        seen.push(id);
        if (id === ids[7]) throw new Error('cannot look');
      }, 4);
      await send(sender, ids);
      await eventually(() => seen.length >= ids.length);
      await eventually(async () => (await carrier.left()) === 0);
      expect(seen.toSorted()).toEqual(ids.toSorted());
      expect(most).toBeGreaterThan(1);
      expect(most).toBeLessThanOrEqual(4);
      await sender.check();
      await taker.close();
      await sender.close();
    },
  );

  promise('a thousand messages at once are all looked at, by several processes', async (carrier) => {
    const sender = await carrier.open();
    const takers = [await carrier.open(), await carrier.open()];
    const ids = newIds(1_000);
    const seen = takers.map((taker) => {
      const own = new Set<string>();
      taker.consume(async (id) => {
        await sleep(1);
        own.add(id);
      }, 25);
      return own;
    });
    await send(sender, ids);
    await eventually(() => new Set(seen.flatMap((own) => [...own])).size === ids.length, 30_000);
    for (const own of seen) expect(own.size).toBeGreaterThan(0);
    for (const dispatch of [sender, ...takers]) await dispatch.close();
  });

  promise(
    'messages that come three times, in any order and late: every execution completes, each step once',
    async (carrier) => {
      await using bench = await openBench();
      const calls = new Map<string, number>();
      const effect = node(
        'effect',
        async ({ idempotencyKey }) => {
          calls.set(idempotencyKey, (calls.get(idempotencyKey) ?? 0) + 1);
          await sleep(5);
          return { output: null };
        },
        { effect: true },
      );
      const types = [...basics, effect];
      const sender = bench.engine(types, { slots: 0, dispatch: await carrier.open() });
      const disturber = await carrier.open();
      for (const dispatch of [await carrier.open(), await carrier.open()]) bench.engine(types, { dispatch }).work();
      await eventually(() => succeeds(() => sender.check()));
      carrier.disturb();
      const request = await bench.request({
        nodes: [
          { id: 'first', type: 'effect' },
          { id: 'pause', type: 'wait', params: { seconds: 0.3 } },
          { id: 'last', type: 'effect' },
        ],
        edges: [
          { from: 'first', to: 'pause' },
          { from: 'pause', to: 'last' },
        ],
      });
      const started = await Promise.all(Array.from({ length: 30 }, () => sender.start(request)));
      const ids = started.map(({ execution }) => execution.id);
      await send(disturber, shuffled([...ids, ...ids]));
      await carrier.put(
        shuffled(ids).map((id) => ({ id })),
        1,
      );
      for (const id of ids) await eventually(async () => (await bench.execution(id)).status === 'completed', 20_000);
      await eventually(async () => (await carrier.left()) === 0, 20_000);
      for (const id of ids) {
        const steps = await bench.steps(id);
        expect(steps.map(({ path, status, attempt }) => `${path} ${status} ${attempt}`)).toEqual([
          'first completed 1',
          'pause completed 1',
          'last completed 1',
        ]);
      }
      expect([...calls.values()]).toEqual(Array.from({ length: 60 }, () => 1));
      expect(bench.errors).toEqual([]);
      await disturber.close();
    },
  );

  promise('a process that ends after it took messages and before it looked loses no execution', async (carrier) => {
    await using bench = await openBench();
    const sender = bench.engine(basics, { slots: 0, dispatch: await carrier.open() });
    await eventually(() => succeeds(() => sender.check()));
    const taker = await carrier.open();
    const taken: string[] = [];
    taker.consume((id) => {
      taken.push(id);
      return new Promise(() => {});
    }, 4);
    const request = await bench.request({ nodes: [{ id: 'a', type: 'value', params: { value: 1 } }] });
    const started = await Promise.all(Array.from({ length: 6 }, () => sender.start(request)));
    await eventually(() => taken.length === 4);
    await taker.close();
    bench.engine(basics, { dispatch: await carrier.open() }).work();
    for (const { execution } of started) {
      await eventually(async () => (await bench.execution(execution.id)).status === 'completed');
      expect(await bench.steps(execution.id)).toHaveLength(1);
    }
  });

  promise(
    'a process without room takes nothing more, and others look at what it had taken; with room it goes on',
    async (carrier) => {
      const full = await carrier.open();
      let isFull = true;
      let refused = 0;
      const seen: string[] = [];
      full.consume(async (id) => {
        if (!isFull) {
          seen.push(id);
          return;
        }
        full.pause();
        refused += 1;
        throw new NoRoom();
      }, 4);
      const sender = await carrier.open();
      const first = newIds(20);
      await send(sender, first);
      await eventually(() => refused > 0);
      await eventually(async () => (await carrier.left()) === first.length);
      // What was on its way to it, of a few requests at most.
      expect(refused).toBeLessThanOrEqual(10);

      const others: string[] = [];
      const other = await carrier.open();
      other.consume(async (id) => void others.push(id), 4);
      await eventually(async () => (await carrier.left()) === 0, 20_000);
      expect(others.toSorted()).toEqual(first.toSorted());
      await other.close();

      isFull = false;
      full.resume();
      await eventually(async () => {
        await sender.send(newIds(1));
        return seen.length > 0;
      });
      for (const dispatch of [full, sender]) await dispatch.close();
    },
  );

  promise('nothing is sent while a thousand messages wait, until they have been taken', async (carrier) => {
    const sender = await carrier.open();
    await send(sender, newIds(1_000));
    await eventually(async () => {
      const before = await carrier.left();
      await sender.send(newIds(1));
      return (await carrier.left()) === before;
    });
    const { dispatch, told } = await openTaker(carrier);
    await eventually(async () => (await carrier.left()) === 0, 20_000);
    const late = newIds(1);
    await eventually(async () => {
      await sender.send(late);
      return late.every((id) => told.seen.includes(id));
    });
    for (const one of [sender, dispatch]) await one.close();
  });

  promise(
    'messages that nobody can do anything with are dropped and told once in a while; the others go by',
    async (carrier) => {
      const errors: string[] = [];
      const dispatch = await carrier.open((error) => errors.push(error.message));
      const [failing = '', unknown = '', known = ''] = newIds(3);
      const seen: string[] = [];
      dispatch.consume(async (id) => {
        seen.push(id);
        if (id === failing) throw new Error('cannot look');
      }, 2);
      const nonsense = [
        null,
        7,
        'text',
        [],
        {},
        { id: 7 },
        { id: 'x' },
        { id: [known] },
        { id: `${known}'` },
        { id: null },
      ];
      await carrier.put([...nonsense, { id: failing }, { id: unknown, more: true }, ...nonsense, { id: known }]);
      await eventually(() => seen.includes(known));
      await eventually(async () => (await carrier.left()) === 0);
      await arrives(dispatch, seen);
      expect(seen.slice(0, 3).toSorted()).toEqual([failing, unknown, known].toSorted());
      expect(errors.toSorted()).toEqual([
        'The queue held a message that Flowplane did not write; it was dropped',
        'cannot look',
      ]);
      await dispatch.close();
    },
  );

  promise(
    'while the store is away a process does not spin, says so to who sends or checks, and goes on by itself afterwards',
    async (carrier) => {
      const { dispatch, told } = await openTaker(carrier);
      await arrives(dispatch, told.seen);
      told.errors = 0;
      carrier.cut();
      await sleep(2_000);
      expect(told.errors).toBeLessThan(100);
      await expect(dispatch.send(newIds(3))).rejects.toThrow();
      await expect(dispatch.check()).rejects.toThrow();
      await carrier.mend();
      await arrives(dispatch, told.seen);
      await dispatch.check();
      await dispatch.close();
    },
  );

  if (options.startsAlone) {
    promise('a store that is not there does not hold up the start, and is used as soon as it is', async (carrier) => {
      carrier.cut();
      const { dispatch, told } = await openTaker(carrier);
      await expect(dispatch.check()).rejects.toThrow();
      await carrier.mend();
      await arrives(dispatch, told.seen);
      await dispatch.close();
    });
  }

  promise('closing is prompt: at rest, with messages waiting, and while the store is away', async (carrier) => {
    const idle = await openTaker(carrier);
    await arrives(idle.dispatch, idle.told.seen);
    expect(await closingTakes(idle.dispatch)).toBeLessThan(promptMs);

    const busy = await carrier.open();
    let looks = 0;
    busy.consume(async () => {
      looks += 1;
      await sleep(5);
    }, 4);
    await send(busy, newIds(500));
    await eventually(() => looks > 10);
    expect(await closingTakes(busy)).toBeLessThan(promptMs);
    const before = looks;
    await sleep(300);
    expect(looks).toBe(before);

    const away = await openTaker(carrier);
    await eventually(() => away.told.seen.length > 0);
    carrier.cut();
    expect(await closingTakes(away.dispatch)).toBeLessThan(awayMs);
  });
}
