/** What a thread is told to do. `payload` is the JSON text of the kind's payload. */
export type Call = { id: number; kind: 'expressions' | 'code'; payload: string; timeoutMs: number };

/** What the guest programs get; `scope` is JSON text, `limit` the most characters of the result. */
export type ExpressionPayload = { expressions: string[]; scope: string; limit: number };
export type CodePayload = { code: string; scope: string; limit: number };

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
