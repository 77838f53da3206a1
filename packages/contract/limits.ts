/** The bounds that are part of the contract; exceeding one is a typed error, never a crash. */
export const limits = {
  /** Nodes of one workflow. */
  nodes: 1_000,
  /** Edges of one workflow. */
  edges: 10_000,
  /** Triggers of one workflow. */
  triggers: 50,
  /** Bytes of JSON of one execution's input and of one step's input or output. */
  valueBytes: 1_048_576,
  /** Nesting of a JSON value that a caller may send. */
  jsonDepth: 64,
  /** Seconds that a call may wait for an execution to finish. */
  waitSeconds: 60,
  /** Lines that one execution may log; later ones are dropped and counted. */
  logLines: 10_000,
  /** Characters of one log message. */
  logMessage: 8_192,
  /** Items on one page of a list. */
  page: 100,
} as const;
