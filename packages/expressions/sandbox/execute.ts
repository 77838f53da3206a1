import type { QuickJSContext, QuickJSHandle, QuickJSRuntime, QuickJSWASMModule } from 'quickjs-emscripten';
import { CODE_GUEST, EXPRESSION_GUEST } from './guest.ts';
import { explain } from './messages.ts';
import type { Call, Outcome, Reason } from './protocol.ts';

/** Deep enough for any honest recursion; the thread's own stack (see pool.ts) is sized so that this one ends first. */
const STACK_BYTES = 256 * 1024;

/** Promise jobs between two looks at the clock. */
const JOBS_AT_ONCE = 1000;

const TIMEOUT: Outcome = { ok: false, reason: 'timeout', message: 'It took too long', index: undefined };

/**
 * Runs one call in a QuickJS runtime and context of its own, so no call can see what another left behind. A fresh pair costs about
 * 150 µs, which is why there is no pool of used ones.
 *
 * `broken`: QuickJS itself failed (its stack or its clean-up), the module must not be used again.
 */
export function execute(module: QuickJSWASMModule, call: Call): { outcome: Outcome; broken: boolean } {
  const deadline = performance.now() + call.timeoutMs;
  let outcome: Outcome;
  let broken = false;
  let runtime: QuickJSRuntime | undefined;
  let context: QuickJSContext | undefined;
  try {
    runtime = module.newRuntime();
    runtime.setMaxStackSize(STACK_BYTES);
    runtime.setInterruptHandler(() => performance.now() > deadline);
    context = runtime.newContext();
    outcome = runGuest(context, runtime, { call, deadline });
  } catch (error) {
    broken = true;
    outcome = failure('failed', error instanceof RangeError ? 'The stack overflowed' : 'The sandbox failed');
  }
  try {
    context?.dispose();
    runtime?.dispose();
  } catch {
    broken = true;
  }
  return { outcome, broken };
}

function runGuest(
  context: QuickJSContext,
  runtime: QuickJSRuntime,
  { call, deadline }: { call: Call; deadline: number },
): Outcome {
  const guest = context.evalCode(call.kind === 'code' ? CODE_GUEST : EXPRESSION_GUEST, 'guest.js');
  if (guest.error) return thrown(context, guest.error, deadline);
  using program = guest.value;
  using text = context.newString(call.payload);
  const first = step(context, program, { argument: text, deadline });
  if (first) return first;
  for (;;) {
    const jobs = runtime.executePendingJobs(JOBS_AT_ONCE);
    if (jobs.error) return thrown(context, jobs.error, deadline);
    if (performance.now() > deadline) return TIMEOUT;
    const outcome = step(context, program, { argument: context.undefined, deadline });
    if (outcome) return outcome;
    if (jobs.value === 0) return failure('failed', 'The code waits for a promise that never settles');
  }
}

/** One call of the guest; undefined while it waits. */
function step(
  context: QuickJSContext,
  program: QuickJSHandle,
  { argument, deadline }: { argument: QuickJSHandle; deadline: number },
): Outcome | undefined {
  const result = context.callFunction(program, context.undefined, argument);
  if (result.error) return thrown(context, result.error, deadline);
  using value = result.value;
  if (context.typeof(value) !== 'string') return undefined;
  const text = context.getString(value);
  return text.startsWith('+') ? { ok: true, text: text.slice(1) } : failureFrom(text.slice(1));
}

function failureFrom(text: string): Outcome {
  const { reason, message, index, stack } = JSON.parse(text) as {
    reason: Reason;
    message: string;
    index?: number;
    stack?: string;
  };
  return { ok: false, reason, message: explain(message, stack), index };
}

/** An error the guest could not catch: the interrupt, or no memory left to catch it with. */
function thrown(context: QuickJSContext, error: QuickJSHandle, deadline: number): Outcome {
  using handle = error;
  if (performance.now() > deadline) return TIMEOUT;
  const shown: unknown = context.dump(handle);
  const message = typeof shown === 'object' && shown !== null && 'message' in shown ? String(shown.message) : '';
  // Without memory for an error object QuickJS throws null.
  return message === '' || message === 'out of memory'
    ? failure('memory', 'It took too much memory')
    : failure('failed', explain(message, undefined));
}

function failure(reason: Reason, message: string): Outcome {
  return { ok: false, reason, message, index: undefined };
}
