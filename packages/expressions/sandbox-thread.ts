import { parentPort, workerData } from 'node:worker_threads';
import { execute } from './sandbox/execute.ts';
import { grownShare, loadQuickJS } from './sandbox/load-quickjs.ts';
import {
  type Call,
  CURRENT_CALL,
  HAND_BACK,
  type Outcome,
  type Reply,
  type ThreadOptions,
} from './sandbox/protocol.ts';

/** Answers that are ready are not held back for longer than this by the calls after them. */
const FLUSH_MS = 1;

/** A thread whose memory grew beyond this share is replaced, to give it back. */
const MAX_GROWN = 0.5;

const { memoryBytes, control }: ThreadOptions = workerData;
const state = new Int32Array(control);
const module = await loadQuickJS(memoryBytes);

parentPort?.on('message', (batch: Call[]) => {
  let results: Reply['results'] = [];
  let posted = performance.now();
  let retire = false;
  for (const call of batch) {
    if (retire || Atomics.load(state, HAND_BACK) === 1) break;
    Atomics.store(state, CURRENT_CALL, call.id);
    const { outcome, broken } = execute(module, call);
    const grown = grownShare(module, memoryBytes);
    Atomics.store(state, CURRENT_CALL, 0);
    results.push({ id: call.id, outcome: grown > 0.9 ? withoutNull(outcome) : outcome });
    retire = broken || grown > MAX_GROWN;
    if (performance.now() - posted < FLUSH_MS) continue;
    post({ results, done: false, retire: false });
    results = [];
    posted = performance.now();
  }
  post({ results, done: true, retire });
});

/** When there is no memory left for an error object, QuickJS throws null. */
function withoutNull(outcome: Outcome): Outcome {
  if (outcome.ok || outcome.message !== 'null') return outcome;
  return { ...outcome, reason: 'memory', message: 'It took too much memory' };
}

function post(reply: Reply): void {
  parentPort?.postMessage(reply);
}
