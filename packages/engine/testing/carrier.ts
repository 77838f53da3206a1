import { newId } from '@flowplane/db/id';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { eventually } from './engine.ts';

/** A store of messages for one test, which can be cut off. */
export type Carrier = AsyncDisposable & {
  /** A dispatch as one process has it; whoever opens it closes it. */
  open(onError?: (error: Error) => void): Promise<Dispatch>;
  /** Puts messages into the store as anybody could, not before so many seconds have passed. */
  put(messages: unknown[], delaySeconds?: number): Promise<void>;
  /** Messages in the store: waiting, delayed, taken, failed. */
  left(): Promise<number>;
  /** From now on messages come in any order and several times, where the store does such a thing. */
  disturb(): void;
  cut(): void;
  mend(): Promise<void>;
};

export function newIds(count: number): string[] {
  return Array.from({ length: count }, () => newId());
}

export function shuffled<Item>(items: Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

export function succeeds(work: () => Promise<unknown>): Promise<boolean> {
  return work().then(
    () => true,
    () => false,
  );
}

/** Sends as soon as the store is there. */
export async function send(dispatch: Dispatch, ids: string[]): Promise<void> {
  await eventually(() => succeeds(() => dispatch.send(ids)), 15_000);
}

/** A dispatch that takes messages; what it has seen, and how many errors it was told. */
export async function openTaker(carrier: Carrier) {
  const told = { seen: [] as string[], errors: 0 };
  const dispatch = await carrier.open(() => {
    told.errors += 1;
  });
  dispatch.consume(async (id) => void told.seen.push(id), 4);
  return { dispatch, told };
}

export async function arrives(dispatch: Dispatch, seen: string[]): Promise<void> {
  const id = newId();
  await send(dispatch, [id]);
  await eventually(() => seen.includes(id), 20_000);
}

export async function closingTakes(dispatch: Dispatch): Promise<number> {
  const at = performance.now();
  await dispatch.close();
  return performance.now() - at;
}
