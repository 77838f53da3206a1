import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where a queue is. */
export type SqsAddress = {
  /** `https://sqs.<region>.amazonaws.com/<account>/<name>`; a name that ends in `.fifo` is a FIFO queue's. */
  url: string;
  region: string;
  /** Where SQS answers when that is not at `url`, e.g. for LocalStack. */
  endpoint?: string | undefined;
};

export type SqsMessage = { body: string; receipt: string };

/** SQS did not do it. */
class SqsError extends Error {
  override readonly name = 'SqsError';

  constructor(action: string, queue: string, cause: unknown) {
    const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
    // An attempt on several addresses fails without a message of its own.
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    super(`SQS could not ${action} ${queue}: ${[name, message || code].join(': ')}`);
  }
}

/** One queue of SQS, in its own terms. Everything rejects with an SqsError. */
type SqsQueue = {
  /** @param ids at most `mostAtOnce`. */
  send(ids: string[]): Promise<void>;
  /** Waits up to 20 seconds for messages. */
  receive(most: number, signal: AbortSignal): Promise<SqsMessage[]>;
  /** @param receipts at most `mostAtOnce`. */
  remove(receipts: string[]): Promise<void>;
  check(): Promise<void>;
  /** Messages that nobody has taken, nearly. */
  waiting(): Promise<number>;
  close(): void;
};

/** Messages of one request: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
export const mostAtOnce = 10;
/** The longest that SQS lets a request wait for messages. */
const pollSeconds = 20;
/** How long a message that was taken is hidden from others, whatever the queue's own setting is. */
const hiddenSeconds = 30;
const patienceMs = 5_000;
const checkMs = 2_000;
const sendAttempts = 3;
/** Before what SQS refused of a request is sent again. */
const restMs = 100;

/** The SDK is loaded here, for those who use it, and finds who we are as it does everywhere: environment, files, instance role. */
export async function openSqs({ url, region, endpoint }: SqsAddress): Promise<SqsQueue> {
  const sdk = await import('@aws-sdk/client-sqs');
  const client = new sdk.SQSClient({
    region,
    endpoint: endpoint ?? new URL(url).origin,
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: pollSeconds * 1_000 + patienceMs,
      throwOnRequestTimeout: true,
    },
  });
  const QueueUrl = url;
  const queue = url.slice(url.lastIndexOf('/') + 1);
  const isFifo = queue.endsWith('.fifo');

  async function attempt<Result>(action: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw new SqsError(action, queue, error);
    }
  }

  function attributes<Name extends 'QueueArn' | 'ApproximateNumberOfMessages'>(
    AttributeNames: Name[],
  ): Promise<{ [name in Name]?: string }> {
    return attempt('find', async () => {
      const abortSignal = AbortSignal.timeout(checkMs);
      const command = new sdk.GetQueueAttributesCommand({ QueueUrl, AttributeNames });
      const { Attributes = {} } = await client.send(command, { abortSignal });
      return Attributes;
    });
  }

  function entryOf(id: string, index: number) {
    return {
      Id: String(index),
      MessageBody: JSON.stringify({ id }),
      // An execution is a group of its own, for none to wait for another's; and no look stands for an earlier one.
      ...(isFifo ? { MessageGroupId: id, MessageDeduplicationId: randomUUID() } : {}),
    };
  }

  async function send(ids: string[]): Promise<void> {
    const abortSignal = AbortSignal.timeout(patienceMs);
    let entries = ids.map(entryOf);
    for (let left = sendAttempts; ; left -= 1) {
      const { Failed = [] } = await client.send(new sdk.SendMessageBatchCommand({ QueueUrl, Entries: entries }), {
        abortSignal,
      });
      const [first] = Failed;
      if (!first) return;
      const again = new Set(Failed.flatMap(({ Id, SenderFault }) => (SenderFault ? [] : [Id])));
      if (again.size < Failed.length || left === 1) throw new Error(`${first.Code}: ${first.Message ?? ''}`);
      entries = entries.filter(({ Id }) => again.has(Id));
      await sleep(restMs);
    }
  }

  return {
    send: (ids) => attempt('send to', () => send(ids)),
    receive: (most, abortSignal) =>
      attempt('receive from', async () => {
        const { Messages = [] } = await client.send(
          new sdk.ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: most,
            WaitTimeSeconds: pollSeconds,
            VisibilityTimeout: hiddenSeconds,
          }),
          { abortSignal },
        );
        return Messages.map(({ Body, ReceiptHandle }) => ({ body: Body ?? '', receipt: ReceiptHandle ?? '' }));
      }),
    remove: (receipts) =>
      attempt('delete from', async () => {
        const Entries = receipts.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
        const { Failed = [] } = await client.send(new sdk.DeleteMessageBatchCommand({ QueueUrl, Entries }), {
          abortSignal: AbortSignal.timeout(patienceMs),
        });
        const [first] = Failed;
        if (first) throw new Error(`${first.Code}: ${first.Message ?? ''}`);
      }),
    check: async () => void (await attributes(['QueueArn'])),
    async waiting() {
      const { ApproximateNumberOfMessages } = await attributes(['ApproximateNumberOfMessages']);
      return Number(ApproximateNumberOfMessages);
    },
    close: () => client.destroy(),
  };
}
