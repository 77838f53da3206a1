import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Bus } from './bus.ts';
import { createMemoryBus } from './bus-memory.ts';

const channel = 'flowplane:more';
/** What happens within this is told in one message. */
const gatherMs = 10;
/** Topics of one message; where there are more, everybody looks. */
const most = 5_000;
const everything = '*';
/** How long the subscription outlives its last listener: short waits follow each other closely. */
const lingerMs = 5_000;

/**
 * A bus between processes, by one channel of Redis. This process subscribes to it only while somebody listens. While Redis is
 * away nothing waits for it: what is to be told is dropped, and every listener looks when it is back.
 */
export function createRedisBus(url: string, onError: (error: Error) => void): Bus {
  const memory = createMemoryBus();
  const origin = randomUUID();
  const pending = new Set<string>();
  let gathering: NodeJS.Timeout | undefined;
  let closing = false;

  function connect(): Redis {
    const client = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      // ioredis would leave the failure of doing so unhandled, which ends the process.
      autoResubscribe: false,
      connectTimeout: 2_000,
      retryStrategy: (times) => Math.min(times * 200, 2_000),
    });
    let told = false;
    client.on('error', (error) => {
      if (!told && !closing) onError(error);
      told = true;
    });
    client.on('ready', () => {
      told = false;
    });
    return client;
  }

  const publisher = connect();
  let subscriber: Redis | undefined;
  let listeners = 0;
  let lingering: NodeJS.Timeout | undefined;

  function receive(message: string): void {
    const [from, topics = ''] = message.split(' ');
    if (from === origin) return;
    if (topics === everything) memory.publishAll();
    else for (const topic of topics.split(',')) memory.publish(topic);
  }

  function listen(): void {
    const client = connect();
    client.on('message', (_channel, message) => receive(message));
    // What was told before it is subscribed, or between two connections, is lost: everybody looks.
    client.on('ready', () => {
      client.subscribe(channel).then(
        () => memory.publishAll(),
        () => {},
      );
    });
    subscriber = client;
  }

  async function send(): Promise<void> {
    const topics = pending.size > most ? everything : [...pending].join(',');
    pending.clear();
    // What cannot be sent is lost, which costs whoever listens a moment.
    if (publisher.status === 'ready') await publisher.publish(channel, `${origin} ${topics}`).catch(() => {});
    // One message at a time: a Redis that does not answer gathers one, not one each 10 ms.
    gathering = pending.size > 0 && !closing ? setTimeout(() => void send(), gatherMs) : undefined;
  }

  return {
    publish(topic) {
      memory.publish(topic);
      if (pending.size <= most) pending.add(topic);
      if (!closing) gathering ??= setTimeout(() => void send(), gatherMs);
    },
    subscribe(topic, listener) {
      const unsubscribe = memory.subscribe(topic, listener);
      let subscribed = true;
      listeners += 1;
      clearTimeout(lingering);
      if (!subscriber && !closing) listen();
      return () => {
        if (!subscribed) return;
        subscribed = false;
        unsubscribe();
        listeners -= 1;
        if (listeners > 0 || closing) return;
        lingering = setTimeout(() => {
          subscriber?.disconnect();
          subscriber = undefined;
        }, lingerMs);
      };
    },
    async close() {
      clearTimeout(gathering);
      // The last of what happened here: that executions were handed back.
      if (pending.size > 0) await Promise.race([send(), new Promise((resolve) => setTimeout(resolve, 500).unref())]);
      closing = true;
      clearTimeout(gathering);
      clearTimeout(lingering);
      publisher.disconnect();
      subscriber?.disconnect();
    },
  };
}
