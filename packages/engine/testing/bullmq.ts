import { createDispatch } from '../dispatch/dispatch.ts';
import type { DispatchStore } from '../dispatch/store.ts';
import type { Carrier } from './carrier.ts';
import type { Proxy as TcpProxy } from './proxy.ts';

/**
 * A store of BullMQ's for the contract.
 *
 * @param options.store reached through `proxy`; `inspector` is the same store, reached directly.
 */
export function bullmqCarrier(options: {
  store: { postgres: string } | { redis: string };
  inspector: DispatchStore;
  proxy: TcpProxy;
  dispose: () => Promise<void>;
}): Carrier {
  const { store, inspector, proxy, dispose } = options;
  inspector.queue.on('error', () => {});
  return {
    open: (onError = () => {}) => createDispatch({ store, onError }),
    async put(messages, delaySeconds = 0) {
      const opts = { delay: delaySeconds * 1_000 };
      await inspector.queue.addBulk(messages.map((data) => ({ name: 'look', data, opts })));
    },
    left: () => inspector.queue.getJobCountByTypes('waiting', 'active', 'delayed', 'completed', 'failed'),
    // BullMQ gives each message once and in order; what comes repeated and late, the contract puts there.
    disturb() {},
    cut: proxy.cut,
    mend: proxy.mend,
    async [Symbol.asyncDispose]() {
      await inspector.queue.close();
      await inspector.close();
      await proxy[Symbol.asyncDispose]();
      await dispose();
    },
  };
}
