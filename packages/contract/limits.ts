/** The bounds that are part of the contract; exceeding one is a typed error, never a crash. */
export const limits = {
  /** Nodes of one workflow. */
  nodes: 1_000,
  /** Edges of one workflow. */
  edges: 10_000,
  /** Triggers of one workflow. */
  triggers: 50,
  /** Graphs within graphs. */
  depth: 10,
  /** Items of one loop. */
  loopItems: 10_000,
  /** The time that an execution has when nothing is said: a day. */
  defaultExecutionSeconds: 86_400,
  /** The longest time that an execution may be given. */
  executionSeconds: 366 * 86_400,
  /** Executions of one workflow, or of one key of it, that its `concurrency` may let be under way at once. */
  concurrency: 1_000,
  /** What `priority` may be; the highest comes first. */
  priority: { least: 0, usual: 5, most: 9 },
  /** Characters of JSON of the results that one execution holds in memory. */
  heldResults: 67_108_864,
  /** Seconds by which a schedule may fire late so as not to fire with others. */
  jitterSeconds: 3_600,
  /** Fires of one schedule that are made up for after an outage, or wait for the execution before; older ones are left out. */
  waitingFires: 100,
  /** Secrets that a webhook accepts beside its current one. */
  previousSecrets: 4,
  /** Fields of a form that a webhook takes. */
  formFields: 1_000,
  /** Published triggers of one team on events of one name. */
  triggersOfEvent: 1_000,
  /** Bytes of JSON of one execution's input and of one step's input or output. */
  valueBytes: 1_048_576,
  /** Bytes of JSON of what a step says of its progress. */
  progressBytes: 16_384,
  /** Nesting of a JSON value that a caller may send. */
  jsonDepth: 64,
  /** Seconds that a call may wait for an execution to finish. */
  waitSeconds: 60,
  /** Lines that one execution may log; later ones are dropped and counted. */
  logLines: 10_000,
  /** Characters of one log message. */
  logMessage: 8_192,
  /** Lines that a stream of logs may begin with. */
  tailLines: 1_000,
  /** Characters of one field that is filled in with an approval’s decision. */
  approvalText: 10_000,
  /** Executions that one call may redrive. */
  redrive: 1_000,
  /** Executions that one call may cancel. */
  cancel: 10_000,
  /** Streams that the callers of one team’s webhooks have open together in one process, so that they leave places for the team itself. */
  streamsOfWebhooks: 500,
  /** Credentials of one team. */
  credentials: 1_000,
  /** API keys of one user that are neither revoked nor expired. */
  apiKeys: 100,
  /** Open sessions of one user; with one more, the one that was not used for longest ends. */
  sessions: 100,
  /** What a guest may have, and how many guests an address may become in an hour. */
  guest: { workflows: 5, versions: 100, executionsPerDay: 100, executionsUnderWay: 20, perAddressPerHour: 10 },
  /** Members of one team. */
  teamMembers: 1_000,
  /** Invitations to one team that are open at once. */
  openInvitations: 100,
  /** Roles that one team may define. */
  teamRoles: 50,
  /** Teams that one user may be in. */
  teamsOfUser: 100,
  /** Identities elsewhere of one user. */
  identities: 20,
  /** Items on one page of a list. */
  page: 100,
} as const;
