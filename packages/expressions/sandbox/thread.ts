import { Worker } from 'node:worker_threads';
import { type Call, CONTROL_BYTES, CURRENT_CALL, HAND_BACK, type Reply, type ThreadOptions } from './protocol.ts';

/** A worker thread as the pool sees it. `seen` and `since`: the call that was running at the last looks, and since when. */
export type Thread = {
  worker: Worker;
  state: Int32Array;
  batch: Map<number, Call>;
  busy: boolean;
  ready: boolean;
  seen: number;
  since: number;
};

type Events = {
  onReply: (thread: Thread, reply: Reply) => void;
  onEnd: (thread: Thread, outOfMemory: boolean) => void;
};

/** Starts a thread. It has no environment, no standard input, and no hold on the process while it is idle. */
export function startThread(memoryBytes: number, events: Events): Thread {
  const control = new SharedArrayBuffer(CONTROL_BYTES);
  const workerData: ThreadOptions = { memoryBytes, control };
  const worker = new Worker(new URL('../sandbox-thread.ts', import.meta.url), {
    workerData,
    env: {},
    execArgv: [],
    name: 'sandbox',
    // QuickJS prints when it aborts, which the outcome says already.
    stderr: true,
    // QuickJS lives in WebAssembly memory, outside this heap; the stack must outlast QuickJS's own limit, which counts other bytes.
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8, stackSizeMb: 8 },
  });
  const state = new Int32Array(control);
  const thread: Thread = { worker, state, batch: new Map(), busy: false, ready: false, seen: 0, since: 0 };
  let outOfMemory = false;
  worker.on('message', (reply: Reply) => events.onReply(thread, reply));
  worker.on('error', (error) => {
    outOfMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  });
  worker.on('exit', () => events.onEnd(thread, outOfMemory));
  worker.unref();
  return thread;
}

/** Sends a batch; the process lives at least until it is answered. */
export function send(thread: Thread, calls: readonly Call[]): void {
  for (const call of calls) thread.batch.set(call.id, call);
  Atomics.store(thread.state, HAND_BACK, 0);
  thread.busy = true;
  thread.seen = 0;
  thread.worker.ref();
  thread.worker.postMessage(calls);
}

export function rest(thread: Thread): void {
  thread.busy = false;
  thread.worker.unref();
}

/** The id of the call that runs at this moment, 0 for none. */
export function currentCall(thread: Thread): number {
  return Atomics.load(thread.state, CURRENT_CALL);
}

/** Has the thread stop after the call that runs now. */
export function handBack(thread: Thread): void {
  Atomics.store(thread.state, HAND_BACK, 1);
}
