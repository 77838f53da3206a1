/** What a thread is told to do. `payload` is the JSON text of a `Payload`. */
export type Call = { id: number; payload: string; timeoutMs: number };

/** What the guest program gets. Expressions are evaluated one by one; a code body is called once. */
export type Payload = { scope: string; limit: number } & ({ expressions: string[] } | { code: string });

/** How a call ended. `text` is JSON: the values of expressions, or `{value, logs}` of a code body. */
export type Outcome = { ok: true; text: string } | FailedOutcome;

/** `index`: the place of the expression that failed, where that is known. */
export type FailedOutcome = { ok: false; reason: Reason; message: string; index: number | undefined };

export type Reason = 'failed' | 'timeout' | 'memory' | 'output';

export type Reply = {
  results: { id: number; outcome: Outcome }[];
  /** The thread has nothing more of the batch to do; what it did not answer it gave back. */
  done: boolean;
  /** The thread's QuickJS cannot be trusted or has grown: start another. */
  retire: boolean;
};

export type ThreadOptions = { memoryBytes: number; control: SharedArrayBuffer };

/** Places in the shared control block: the id of the call that runs now (0: none), and the order to stop after it. */
export const CURRENT_CALL = 0;
export const HAND_BACK = 1;
export const CONTROL_BYTES = 8;
