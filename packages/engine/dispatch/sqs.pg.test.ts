import { setTimeout as sleep } from 'node:timers/promises';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { newId } from '@flowplane/db/id';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Carrier } from '../testing/carrier.ts';
import { dispatchContract } from '../testing/dispatch-contract.ts';
import { eventually } from '../testing/engine.ts';
import { startProxy } from '../testing/proxy.ts';
import { startSqs, type TestSqs } from '../testing/sqs.ts';
import { createDispatch, type Dispatch } from './dispatch.ts';

const region = 'us-east-1';

beforeAll(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterAll(() => vi.unstubAllEnvs());

function open({ port, path }: { port: number; path: string }, onError: (error: Error) => void): Promise<Dispatch> {
  return createDispatch({ store: { sqs: { url: `http://127.0.0.1:${port}${path}`, region } }, onError });
}

async function put(sqs: TestSqs, bodies: string[], DelaySeconds = 0): Promise<void> {
  const client = new SQSClient({ region, endpoint: `http://127.0.0.1:${sqs.port}` });
  const QueueUrl = `http://127.0.0.1:${sqs.port}${sqs.path}`;
  for (const MessageBody of bodies) {
    const MessageGroupId = sqs.path.endsWith('.fifo') ? newId() : undefined;
    await client.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody,
        DelaySeconds,
        ...(MessageGroupId ? { MessageGroupId, MessageDeduplicationId: newId() } : {}),
      }),
    );
  }
  client.destroy();
}

async function sqsCarrier(name: string): Promise<Carrier> {
  const sqs = await startSqs({ name, haste: 10 });
  const proxy = await startProxy({ host: '127.0.0.1', port: sqs.port });
  return {
    open: (onError = () => {}) => open({ port: proxy.port, path: sqs.path }, onError),
    put: (messages, delaySeconds) =>
      put(
        sqs,
        messages.map((message) => JSON.stringify(message)),
        name.endsWith('.fifo') ? 0 : delaySeconds,
      ),
    left: async () => sqs.size(),
    disturb() {
      sqs.faults.copies = 3;
      sqs.faults.shuffled = true;
    },
    cut: proxy.cut,
    mend: proxy.mend,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await sqs[Symbol.asyncDispose]();
    },
  };
}

describe('a standard queue', () => {
  dispatchContract(() => sqsCarrier('executions'), { startsAlone: true });
});

describe('a FIFO queue', () => {
  dispatchContract(() => sqsCarrier('executions.fifo'), { startsAlone: true });
});

/** A dispatch on a queue of its own; what it has seen and was told. */
async function taking(options: { haste?: number; lookMs?: number } = {}) {
  const { haste = 1, lookMs = 0 } = options;
  const stack = new AsyncDisposableStack();
  const sqs = stack.use(await startSqs({ haste }));
  const errors: string[] = [];
  const dispatch = await open(sqs, (error) => errors.push(error.message));
  stack.defer(() => dispatch.close());
  const seen: string[] = [];
  dispatch.consume(async (id) => {
    seen.push(id);
    await sleep(lookMs);
  }, 40);
  return { sqs, errors, dispatch, seen, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function total({ requests }: TestSqs): number {
  return [...requests.values()].reduce((sum, count) => sum + count, 0);
}

test('a message whose process ended during the look comes again when its visibility timeout is over', async () => {
  await using sqs = await startSqs({ haste: 30 });
  const [first, second] = [await open(sqs, () => {}), await open(sqs, () => {})];
  const id = newId();
  const looks: string[] = [];
  first.consume(async () => {
    looks.push('first');
    await new Promise(() => {});
  }, 4);
  await first.send([id]);
  await eventually(() => looks.length === 1);
  await first.close();
  second.consume(async (again) => void looks.push(again), 4);
  await eventually(() => looks.length === 2);
  expect(looks).toEqual(['first', id]);
  await eventually(() => sqs.size() === 0);
  await second.close();
});

test('a look that goes on and on is not repeated: its message is gone before it would come again', async () => {
  await using taker = await taking({ lookMs: 14_000, haste: 2.5 });
  await taker.dispatch.send([newId()]);
  await eventually(() => taker.seen.length === 1);
  await eventually(() => taker.sqs.size() === 0, 12_000);
  await sleep(3_000);
  expect(taker.seen).toHaveLength(1);
  expect(taker.errors).toEqual([]);
});

test.each([
  ['throttled', 'ThrottlingException'],
  ['broken', 'InternalError'],
  ['missing', 'QueueDoesNotExist'],
] as const)(
  'a queue that is %s is asked seldom and told once, and used again afterwards',
  async (refusal, told) => {
    await using taker = await taking();
    await eventually(() => (taker.sqs.requests.get('ReceiveMessage') ?? 0) >= 4);
    taker.sqs.faults.refusal = refusal;
    await eventually(() => taker.errors.length > 0);
    const before = total(taker.sqs);
    await sleep(3_000);
    // Four takers, each request tried up to three times, with growing pauses between them.
    expect(total(taker.sqs) - before).toBeLessThan(40);
    expect(taker.errors).toHaveLength(1);
    expect(taker.errors[0]).toMatch(new RegExp(`^SQS could not receive from executions: ${told}`));
    // On a busy machine the time of a check may end before its last try does.
    await expect(taker.dispatch.check()).rejects.toThrow(/^SQS could not find executions: /);
    await expect(taker.dispatch.send([newId()])).rejects.toThrow(`SQS could not send to executions: ${told}`);
    const refused = total(taker.sqs);
    await Promise.allSettled(Array.from({ length: 500 }, () => taker.dispatch.send([newId()])));
    expect(total(taker.sqs) - refused).toBeLessThan(20);
    taker.sqs.faults.refusal = undefined;
    const id = newId();
    await eventually(() =>
      taker.dispatch.send([id]).then(
        () => true,
        () => false,
      ),
    );
    await eventually(() => taker.seen.includes(id), 15_000);
  },
  40_000,
);

test('a queue that answers at once instead of waiting for messages is not asked without a pause', async () => {
  await using taker = await taking();
  taker.sqs.faults.impatient = true;
  await taker.dispatch.send([newId()]);
  await eventually(() => taker.seen.length === 1);
  const before = total(taker.sqs);
  await sleep(2_000);
  expect(total(taker.sqs) - before).toBeLessThan(24);
});

test('what SQS refuses of a batch is sent again; what it does not delete comes again', async () => {
  await using taker = await taking({ haste: 30 });
  taker.sqs.faults.unsent = 2;
  const ids = Array.from({ length: 10 }, () => newId());
  await taker.dispatch.send(ids);
  expect(taker.sqs.faults.unsent).toBe(0);
  await eventually(() => taker.sqs.size() === 0);
  expect(taker.seen.toSorted()).toEqual(ids.toSorted());

  const [another = ''] = [newId()];
  taker.seen.length = 0;
  taker.sqs.faults.undeleted = 1;
  await taker.dispatch.send([another]);
  await eventually(() => taker.seen.length === 2);
  await eventually(() => taker.sqs.size() === 0);
  expect(taker.seen).toEqual([another, another]);
});

test('many at once are sent and deleted in batches, and what is no JSON is dropped', async () => {
  await using taker = await taking();
  await put(taker.sqs, ['{"id":', 'hello']);
  const ids = Array.from({ length: 500 }, () => newId());
  await Promise.all(ids.map((id) => taker.dispatch.send([id])));
  await eventually(() => taker.sqs.size() === 0);
  expect(taker.seen.toSorted()).toEqual(ids.toSorted());
  expect(taker.sqs.requests.get('SendMessageBatch')).toBeLessThan(100);
  expect(taker.errors).toEqual(['The queue held a message that Flowplane did not write; it was dropped']);
});

test('closing ends the requests that wait for messages, and tells of nothing', async () => {
  const taker = await taking();
  await eventually(() => (taker.sqs.requests.get('ReceiveMessage') ?? 0) >= 4);
  const at = performance.now();
  await taker.dispatch.close();
  expect(performance.now() - at).toBeLessThan(2_000);
  await expect(taker.dispatch.send([newId()])).rejects.toThrow('closed');
  await taker[Symbol.asyncDispose]();
  expect(taker.errors).toEqual([]);
});

test('an endpoint of its own is asked instead of the one in the URL of the queue', async () => {
  await using sqs = await startSqs();
  const url = `https://sqs.us-east-1.amazonaws.com${sqs.path}`;
  const endpoint = `http://127.0.0.1:${sqs.port}`;
  const dispatch = await createDispatch({ store: { sqs: { url, region, endpoint } }, onError: () => {} });
  await dispatch.check();
  await dispatch.close();
});
