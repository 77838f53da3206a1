import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** What the server does to those who use it; a test changes it at any time. */
export type SqsFaults = {
  /** How often each message that is sent is there. */
  copies: number;
  /** Messages come in any order. */
  shuffled: boolean;
  /** Every request is refused like this. */
  refusal: 'throttled' | 'broken' | 'missing' | undefined;
  /** So many entries that are sent, and that are deleted, are refused, one of each request. */
  unsent: number;
  undeleted: number;
  /** Messages are answered at once or not at all, whatever time was asked for. */
  impatient: boolean;
};

/** A server of one queue that speaks Amazon SQS's JSON protocol, kept in memory. */
export type TestSqs = AsyncDisposable & {
  port: number;
  /** The queue's path; its name is the last part. */
  path: string;
  faults: SqsFaults;
  /** Requests so far, refused ones included, by the name of the action. */
  requests: Map<string, number>;
  /** Messages that are in the queue: waiting, delayed or taken and not deleted. */
  size(): number;
};

type Message = { id: string; body: string; group: string | undefined; visibleAt: number; receipt: string };

class Refused extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status = 400) {
    super(`Refused with ${code}`);
    this.code = code;
    this.status = status;
  }
}

// Bounds: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html and its neighbours.
const entry = z.object({
  MessageBody: z.string().min(1).max(1_048_576),
  DelaySeconds: z.int().min(0).max(900).default(0),
  MessageGroupId: z.string().optional(),
  MessageDeduplicationId: z.string().optional(),
});
const receiving = z.object({
  MaxNumberOfMessages: z.int().min(1).max(10).default(1),
  WaitTimeSeconds: z.int().min(0).max(20).default(0),
  VisibilityTimeout: z.int().min(0).max(43_200).optional(),
});
const visibility = z.object({ ReceiptHandle: z.string(), VisibilityTimeout: z.int().min(0).max(43_200) });
const receipt = z.object({ ReceiptHandle: z.string() });
const batch = z.object({ Entries: z.array(z.looseObject({ Id: z.string().regex(/^[\w-]{1,80}$/) })) });

function parse<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new Refused('InvalidParameterValue');
  return parsed.data;
}

function entriesOf(input: unknown) {
  const { Entries } = parse(batch, input);
  if (Entries.length === 0) throw new Refused('EmptyBatchRequest');
  if (Entries.length > 10) throw new Refused('TooManyEntriesInBatchRequest');
  if (new Set(Entries.map(({ Id }) => Id)).size < Entries.length) throw new Refused('BatchEntryIdsNotDistinct');
  return Entries;
}

function md5(body: string): string {
  return createHash('md5').update(body).digest('hex');
}

/** @param options.haste how much shorter its seconds are, where messages that were taken are hidden from others. */
export async function startSqs(options: { name?: string; haste?: number } = {}): Promise<TestSqs> {
  const { name = 'executions', haste = 1 } = options;
  const path = `/000000000000/${name}`;
  const isFifo = name.endsWith('.fifo');
  const faults: SqsFaults = {
    copies: 1,
    shuffled: false,
    refusal: undefined,
    unsent: 0,
    undeleted: 0,
    impatient: false,
  };
  const requests = new Map<string, number>();
  const seen = new Set<string>();
  let messages: Message[] = [];

  function send(input: unknown) {
    const {
      MessageBody: body,
      DelaySeconds,
      MessageGroupId: group,
      MessageDeduplicationId: once,
    } = parse(entry, input);
    if (isFifo && (!group || !once)) throw new Refused('MissingParameter');
    if (isFifo && DelaySeconds > 0) throw new Refused('InvalidParameterValue');
    const id = randomUUID();
    const repeated = once !== undefined && seen.has(once);
    if (once) seen.add(once);
    const visibleAt = performance.now() + DelaySeconds * 1_000;
    for (let copy = 0; copy < (repeated ? 0 : faults.copies); copy += 1) {
      messages.push({ id, body, group, visibleAt, receipt: '' });
    }
    return { MessageId: id, MD5OfMessageBody: md5(body) };
  }

  function take(most: number, hiddenMs: number): Message[] {
    const now = performance.now();
    const groups = new Set<string>();
    const visible = messages.filter(({ group, visibleAt }) => {
      // In a group one message at a time is under way, the oldest.
      const blocked = group !== undefined && groups.has(group);
      if (group !== undefined) groups.add(group);
      return visibleAt <= now && !blocked;
    });
    if (faults.shuffled) visible.sort(() => Math.random() - 0.5);
    const taken = visible.slice(0, most);
    for (const message of taken) Object.assign(message, { visibleAt: now + hiddenMs, receipt: randomUUID() });
    return taken;
  }

  async function receive(input: unknown, gone: () => boolean) {
    const { MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout = 30 } = parse(receiving, input);
    const until = performance.now() + (faults.impatient ? 0 : WaitTimeSeconds * 1_000);
    for (;;) {
      const taken = gone() ? [] : take(MaxNumberOfMessages, (VisibilityTimeout * 1_000) / haste);
      if (taken.length === 0 && performance.now() < until && !gone() && !faults.refusal) {
        await sleep(10);
        continue;
      }
      if (taken.length === 0) return {};
      return {
        Messages: taken.map(({ id, body, receipt: ReceiptHandle }) => ({
          MessageId: id,
          Body: body,
          MD5OfBody: md5(body),
          ReceiptHandle,
        })),
      };
    }
  }

  function remove(input: unknown): object {
    const { ReceiptHandle } = parse(receipt, input);
    messages = messages.filter((message) => message.receipt !== ReceiptHandle);
    return {};
  }

  function hide(input: unknown): object {
    const { ReceiptHandle, VisibilityTimeout } = parse(visibility, input);
    const message = messages.find((each) => each.receipt === ReceiptHandle);
    if (!message) throw new Refused('MessageNotInflight');
    message.visibleAt = performance.now() + (VisibilityTimeout * 1_000) / haste;
    return {};
  }

  function each(input: unknown, fault: 'unsent' | 'undeleted', work: (input: unknown) => object) {
    const Successful: object[] = [];
    const Failed: object[] = [];
    for (const [index, one] of entriesOf(input).entries()) {
      if (index === 0 && faults[fault] > 0) {
        faults[fault] -= 1;
        Failed.push({ Id: one.Id, Code: 'InternalError', Message: 'as told', SenderFault: false });
      } else Successful.push({ Id: one.Id, ...work(one) });
    }
    return { Successful, Failed };
  }

  async function answer(action: string, input: unknown, gone: () => boolean): Promise<object> {
    if (faults.refusal === 'throttled') throw new Refused('ThrottlingException');
    if (faults.refusal === 'broken') throw new Refused('InternalError', 500);
    const { QueueUrl } = parse(z.object({ QueueUrl: z.string() }), input);
    if (faults.refusal || !QueueUrl.endsWith(path)) throw new Refused('QueueDoesNotExist');
    switch (action) {
      case 'SendMessage':
        return send(input);
      case 'SendMessageBatch':
        return each(input, 'unsent', send);
      case 'ReceiveMessage':
        return receive(input, gone);
      case 'DeleteMessage':
        return remove(input);
      case 'DeleteMessageBatch':
        return each(input, 'undeleted', remove);
      case 'ChangeMessageVisibility':
        return hide(input);
      case 'GetQueueAttributes':
        return {
          Attributes: {
            QueueArn: `arn:aws:sqs:us-east-1:000000000000:${name}`,
            ApproximateNumberOfMessages: String(
              messages.filter(({ visibleAt }) => visibleAt <= performance.now()).length,
            ),
          },
        };
      default:
        throw new Refused('InvalidAction');
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const action = String(request.headers['x-amz-target']).replace(/^AmazonSQS\./, '');
    requests.set(action, (requests.get(action) ?? 0) + 1);
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    try {
      if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 '))
        throw new Refused('AccessDeniedException', 403);
      const body = await text(request);
      const answered = await answer(action, JSON.parse(body), () => response.destroyed);
      response.end(JSON.stringify(answered));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      response.statusCode = error.status;
      response.end(JSON.stringify({ __type: `com.amazonaws.sqs#${error.code}`, message: error.message }));
    }
  }

  const server = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return {
    port: address.port,
    path,
    faults,
    requests,
    size: () => messages.length,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => {});
    },
  };
}
