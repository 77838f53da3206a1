import { parentPort, workerData } from 'node:worker_threads';
import { execute } from './sandbox/execute.ts';
import { loadQuickJS } from './sandbox/load-quickjs.ts';
import { type Call, CURRENT_CALL, HAND_BACK, type Reply, type ThreadOptions } from './sandbox/protocol.ts';

/** Answers that are ready are not held back for longer than this by the calls after them. */
const FLUSH_MS = 1;

/** WebAssembly memory never shrinks: a thread that grew beyond this replaces itself to give it back. */
const GROWN_BYTES = 48 * 1024 * 1024;

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
    Atomics.store(state, CURRENT_CALL, 0);
    results.push({ id: call.id, outcome });
    retire = broken || module.getWasmMemory().buffer.byteLength > GROWN_BYTES;
    if (performance.now() - posted < FLUSH_MS) continue;
    post({ results, done: false, retire: false });
    results = [];
    posted = performance.now();
  }
  post({ results, done: true, retire });
});

function post(reply: Reply): void {
  parentPort?.postMessage(reply);
}
