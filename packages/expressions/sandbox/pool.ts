import type { Call, FailedOutcome, Outcome, Reply } from './protocol.ts';
import { currentCall, handBack, rest, send, startThread, type Thread } from './thread.ts';

/** Calls in one message: few enough that a thread answers within about 10 ms. */
const BATCH = 32;

/** How often the pool looks at its busy threads. */
const WATCH_MS = 20;

/** A call that runs longer than this no longer has others queued behind it. */
const SLOW_MS = 25;

/** QuickJS stops itself at the deadline unless it is inside one long native operation; then the thread is killed. */
const GRACE_MS = 250;

/** Threads that may be started beyond the usual number while calls wait behind slow ones. */
const EXTRA_THREADS = 3;

/** A thread's share of deaths before it is the call that is blamed. */
const MAX_STARTS = 3;

/** Longest start of a thread: 60 ms when idle, but seconds on a machine that is overloaded. */
const START_MS = 30_000;

type Job = { call: Call; settle: (outcome: Outcome) => void; starts: number; abandoned: boolean };

export type Pool = {
  /** Queues a call; the outcome comes through `settle`, exactly once. Returns what takes it back. */
  submit: (call: Omit<Call, 'id'>, settle: (outcome: Outcome) => void) => () => void;
  close: () => Promise<void>;
};

const CLOSED: FailedOutcome = { ok: false, reason: 'failed', message: 'The sandbox is closed', index: undefined };

/** Threads that run calls in batches, and are killed and replaced when one does not come back. */
export function createPool(options: { threads: number; memoryBytes: number }): Pool {
  const jobs = new Map<number, Job>();
  const queue: number[] = [];
  const threads = new Set<Thread>();
  let lastId = 0;
  let flushing = false;
  let closed = false;
  let watch: NodeJS.Timeout | undefined;

  function submit(call: Omit<Call, 'id'>, settle: (outcome: Outcome) => void): () => void {
    if (closed) {
      settle(CLOSED);
      return () => undefined;
    }
    // Ids wrap before they leave what an Int32Array holds.
    lastId = (lastId % 0x7fff_fff0) + 1;
    const id = lastId;
    jobs.set(id, { call: { ...call, id }, settle, starts: 0, abandoned: false });
    queue.push(id);
    flushSoon();
    return () => abandon(id);
  }

  /** Once a tick, so that what one tick queued travels in one message. */
  function flushSoon(): void {
    if (flushing) return;
    flushing = true;
    setImmediate(() => {
      flushing = false;
      flush();
    });
  }

  function flush(): void {
    while (queue.length > 0) {
      const thread = idleThread();
      if (!thread) return;
      const calls: Call[] = [];
      for (const id of queue.splice(0, BATCH)) {
        const job = jobs.get(id);
        if (job) calls.push(job.call);
      }
      if (calls.length === 0) continue;
      send(thread, calls);
      thread.since = performance.now();
      watch ??= setInterval(look, WATCH_MS);
    }
  }

  function idleThread(): Thread | undefined {
    let slow = 0;
    for (const thread of threads) {
      if (!thread.busy) return thread;
      if (isSlow(thread)) slow++;
    }
    if (threads.size >= options.threads + Math.min(slow, EXTRA_THREADS)) return undefined;
    const thread = startThread(options.memoryBytes, { onReply, onEnd });
    threads.add(thread);
    return thread;
  }

  function isSlow(thread: Thread): boolean {
    return thread.seen !== 0 && thread.seen === currentCall(thread) && performance.now() - thread.since > SLOW_MS;
  }

  function onReply(thread: Thread, reply: Reply): void {
    // What a thread still says after its end was decided is about calls that are settled or run elsewhere.
    if (!threads.has(thread)) return;
    thread.ready = true;
    for (const { id, outcome } of reply.results) {
      thread.batch.delete(id);
      finish(id, outcome);
    }
    if (!reply.done) return;
    requeue(thread);
    rest(thread);
    if (reply.retire) retire(thread);
    flush();
    // What was started for a slow time only is not kept, once nothing waits: on a busy machine, where the first call of every
    // thread is slow, threads would otherwise be started for one call each.
    if (!thread.busy && threads.has(thread) && threads.size > options.threads) retire(thread);
    stopIdleWatch();
  }

  function finish(id: number, outcome: Outcome): void {
    const job = jobs.get(id);
    jobs.delete(id);
    if (job && !job.abandoned) job.settle(outcome);
  }

  /** Puts the unanswered calls of a thread back in front. They have no effects, so running one twice does no harm. */
  function requeue(thread: Thread, except?: number): void {
    const left = [...thread.batch.keys()].filter((id) => id !== except && jobs.has(id) && !queue.includes(id));
    queue.unshift(...left);
    for (const id of thread.batch.keys()) if (id !== except) thread.batch.delete(id);
  }

  function retire(thread: Thread): void {
    threads.delete(thread);
    void thread.worker.terminate();
  }

  function look(): void {
    const now = performance.now();
    for (const thread of threads) {
      if (!thread.busy) continue;
      const id = currentCall(thread);
      if (id !== thread.seen) {
        thread.seen = id;
        thread.since = now;
      }
      const age = now - thread.since;
      if (id === 0) {
        if (!thread.ready && age > START_MS) kill(thread, undefined);
        continue;
      }
      const job = jobs.get(id);
      if (job?.abandoned && age > SLOW_MS) kill(thread, undefined);
      else if (job && age > job.call.timeoutMs + GRACE_MS) {
        kill(thread, { ok: false, reason: 'timeout', message: 'It took too long', index: undefined });
      } else if (age > SLOW_MS && thread.batch.size > 1) {
        handBack(thread);
        requeue(thread, id);
      }
    }
    flush();
    stopIdleWatch();
  }

  /** Ends a thread and the call it is in; the others of its batch start again elsewhere. */
  function kill(thread: Thread, outcome: Outcome | undefined): void {
    const id = currentCall(thread);
    retire(thread);
    giveUp(thread, id, outcome ?? { ...CLOSED, message: 'The sandbox could not run it' });
  }

  function giveUp(thread: Thread, id: number, outcome: Outcome): void {
    thread.busy = false;
    if (id !== 0) {
      thread.batch.delete(id);
      finish(id, outcome);
    }
    for (const other of thread.batch.keys()) {
      const job = jobs.get(other);
      if (!job) continue;
      job.starts++;
      if (job.starts >= MAX_STARTS) finish(other, { ...CLOSED, message: 'The sandbox could not be started' });
    }
    requeue(thread);
    flushSoon();
  }

  /** A thread died by itself. */
  function onEnd(thread: Thread, outOfMemory: boolean): void {
    if (!threads.delete(thread)) return;
    const reason = outOfMemory ? 'memory' : 'failed';
    giveUp(thread, currentCall(thread), { ok: false, reason, message: 'It ended the sandbox', index: undefined });
  }

  function abandon(id: number): void {
    const job = jobs.get(id);
    if (!job) return;
    job.abandoned = true;
    for (const thread of threads) {
      if (!thread.batch.has(id)) continue;
      if (currentCall(thread) === id) kill(thread, undefined);
      return;
    }
    jobs.delete(id);
    const place = queue.indexOf(id);
    if (place !== -1) queue.splice(place, 1);
  }

  /** The timer would keep the process alive. */
  function stopIdleWatch(): void {
    if (![...threads].some((thread) => thread.busy)) stopWatching();
  }

  function stopWatching(): void {
    clearInterval(watch);
    watch = undefined;
  }

  async function close(): Promise<void> {
    closed = true;
    stopWatching();
    const ending = [...threads].map((thread) => thread.worker.terminate());
    threads.clear();
    queue.length = 0;
    for (const id of [...jobs.keys()]) finish(id, CLOSED);
    await Promise.all(ending);
  }

  return { submit, close };
}
