import { createFairQueue } from './fair-queue.ts';
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

type Job = {
  call: Call;
  key: string;
  settle: (outcome: Outcome) => void;
  starts: number;
  queued: boolean;
  abandoned: boolean;
};

export type Pool = {
  /**
   * Queues a call; the outcome comes through `settle`, exactly once. Keys take turns, and one that has threads already leaves the
   * last to others. Returns what takes the call back.
   */
  submit: (call: Omit<Call, 'id'>, key: string, settle: (outcome: Outcome) => void) => () => void;
  close: () => Promise<void>;
};

const CLOSED: FailedOutcome = { ok: false, reason: 'failed', message: 'The sandbox is closed', index: undefined };

/** Threads that run calls in batches, and are killed and replaced when one does not come back. */
export function createPool(options: { threads: number; memoryBytes: number }): Pool {
  const jobs = new Map<number, Job>();
  const queue = createFairQueue();
  const most = options.threads + EXTRA_THREADS;
  const threads = new Set<Thread>();
  let lastId = 0;
  let flushing = false;
  let closed = false;
  let watch: NodeJS.Timeout | undefined;

  function submit(call: Omit<Call, 'id'>, key: string, settle: (outcome: Outcome) => void): () => void {
    if (closed) {
      settle(CLOSED);
      return () => undefined;
    }
    // Ids wrap before they leave what an Int32Array holds.
    lastId = (lastId % 0x7fff_fff0) + 1;
    const id = lastId;
    jobs.set(id, { call: { ...call, id }, key, settle, starts: 0, queued: true, abandoned: false });
    queue.add(key, id);
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
    for (;;) {
      const may = turns();
      if (!queue.holds(may)) return;
      const thread = idleThread();
      if (!thread) return;
      send(thread, takeBatch(may));
      thread.since = performance.now();
      watch ??= setInterval(look, WATCH_MS);
    }
  }

  /** Which keys may have a thread now: the last one is for a key that has none, however much others have waiting. */
  function turns(): (key: string) => boolean {
    const busy = [...threads].filter((thread) => thread.busy);
    if (most - busy.length > 1) return () => true;
    const holding = new Set(busy.flatMap((thread) => [...thread.batch.keys()].map((id) => jobs.get(id)?.key)));
    return (key) => !holding.has(key);
  }

  /** The next calls. Those of keys whose calls take long at the moment come last, where they keep no others waiting. */
  function takeBatch(may: (key: string) => boolean): Call[] {
    const slow = new Set([...threads].filter(isSlow).map((thread) => jobs.get(thread.seen)?.key));
    const quick: Call[] = [];
    const last: Call[] = [];
    while (quick.length + last.length < BATCH) {
      const id = queue.take(may);
      const job = id === undefined ? undefined : jobs.get(id);
      if (!job) break;
      job.queued = false;
      (slow.has(job.key) ? last : quick).push(job.call);
    }
    return [...quick, ...last];
  }

  function idleThread(): Thread | undefined {
    for (const thread of threads) if (!thread.busy) return thread;
    if (threads.size >= wanted()) return undefined;
    const thread = startThread(options.memoryBytes, { onReply, onEnd });
    threads.add(thread);
    return thread;
  }

  /** Threads that there should be: one more for each that is in a slow call, so that others need not wait for it. */
  function wanted(): number {
    return Math.min(options.threads + [...threads].filter(isSlow).length, most);
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
    retireSpare();
    stopIdleWatch();
  }

  /**
   * What was started for a slow time only is not kept, once that is over and nothing waits: on a busy machine, where the first call
   * of every thread is slow, threads would otherwise be started for one call each.
   */
  function retireSpare(): void {
    for (const thread of threads) if (!thread.busy && threads.size > wanted()) retire(thread);
  }

  function finish(id: number, outcome: Outcome): void {
    const job = jobs.get(id);
    jobs.delete(id);
    if (job?.queued) queue.remove(job.key, id);
    if (job && !job.abandoned) job.settle(outcome);
  }

  /** Puts the unanswered calls of a thread back in front. They have no effects, so running one twice does no harm. */
  function requeue(thread: Thread, except?: number): void {
    const left: [key: string, id: number][] = [];
    for (const id of thread.batch.keys()) {
      if (id === except) continue;
      thread.batch.delete(id);
      const job = jobs.get(id);
      if (!job) continue;
      job.queued = true;
      left.push([job.key, id]);
    }
    queue.putBack(left);
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
    retireSpare();
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
    queue.remove(job.key, id);
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
    for (const id of [...jobs.keys()]) finish(id, CLOSED);
    await Promise.all(ending);
  }

  return { submit, close };
}
