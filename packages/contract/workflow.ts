import { z } from 'zod';
import { definition, priority } from './definition.ts';
import { eventId, executionSummary, logLine } from './execution.ts';
import { id } from './id.ts';
import { json } from './json.ts';
import { limits } from './limits.ts';
import { page, pageInput } from './page.ts';
import { text } from './text.ts';
import { versionNote } from './workflow-version.ts';

const name = text
  .trim()
  .min(1)
  .max(200)
  .meta({ examples: ['Order tiers'] });
const description = text.max(2_000).meta({ examples: ['Greets the customers of large orders'] });

export const workflow = z
  .object({
    id,
    name: z.string().meta({ examples: ['Order tiers'] }),
    description: z.string().meta({ examples: ['Greets the customers of large orders'] }),
    definition,
    revision: z.int().meta({ description: 'Raised by every change, publishing included; the ETag', examples: [3] }),
    publishedVersion: z.int().nullable().describe('The version that triggers run; null when it is not published'),
    createdAt: z.date(),
    updatedAt: z.date(),
  })
  .meta({ id: 'Workflow' });
export type Workflow = z.infer<typeof workflow>;

/** A row of a list: the workflow without its definition. */
export const workflowSummary = workflow.omit({ definition: true }).meta({ id: 'WorkflowSummary' });

export const workflowCreateInput = z.strictObject({ name, description: description.default(''), definition });
export const workflowGetInput = z.strictObject({ id });
export const workflowListInput = pageInput;
export const workflowPage = page(workflowSummary).meta({ id: 'WorkflowPage' });

/** The revision that a change is based on; when given, a change of any other is refused. */
const revision = z.int().min(1).optional().describe('The revision that the change is based on');

/** PATCH merges: what is absent stays. */
export const workflowUpdateInput = z.strictObject({
  id,
  name: name.optional(),
  description: description.optional(),
  definition: definition.optional(),
  revision,
});

/** PUT replaces. What GET answered can be sent back; what is not the caller's to set is left as it is. */
export const workflowReplaceInput = z.strictObject({
  id,
  name,
  description: description.default(''),
  definition,
  revision,
  publishedVersion: workflow.shape.publishedVersion.optional(),
  createdAt: z.date().optional(),
  updatedAt: z.date().optional(),
});

export const workflowDeleteInput = z.strictObject({
  id,
  force: z.boolean().default(false).describe('Cancel the executions that are under way first'),
  revision,
});
export const workflowPublishInput = z.strictObject({ id, note: versionNote.optional(), revision });

export const workflowExecuteInput = z.strictObject({
  id,
  input: json.default(null).meta({ examples: [{ name: 'ada', qty: 7, price: 30 }] }),
  wait: z
    .int()
    .min(0)
    .max(limits.waitSeconds)
    .default(0)
    .meta({ description: 'Seconds to wait for the end', examples: [10] }),
  draft: z.boolean().default(false).describe('Run the draft instead of the published version'),
  priority: priority.optional().describe('Instead of the workflow’s own priority'),
});

export const workflowStopInput = z.strictObject({ id });
export const workflowStopped = z
  .object({ cancelled: z.int().meta({ description: 'How many executions were under way', examples: [2] }) })
  .meta({ id: 'WorkflowStopped' });

export const workflowStatusInput = z.strictObject({ id });
/** What a workflow is doing. */
export const workflowStatus = z
  .object({
    underWay: z.object({ pending: z.int(), running: z.int(), waiting: z.int() }).meta({
      description: 'Its executions that are not final, by status',
      examples: [{ pending: 0, running: 1, waiting: 2 }],
    }),
    latest: executionSummary.nullable().describe('The execution that was started last; null when there is none'),
  })
  .meta({ id: 'WorkflowStatus' });
export type WorkflowStatus = z.infer<typeof workflowStatus>;

/** What the stream of a workflow's logs tells: each line of each of its executions. */
export const workflowLogEvent = z
  .object({ event: z.literal('log'), data: logLine.extend({ executionId: id }) })
  .meta({ id: 'WorkflowLogEvent' });
export type WorkflowLogEvent = z.infer<typeof workflowLogEvent>;

export const workflowLogsInput = z.strictObject({
  id,
  tail: z
    .int()
    .min(0)
    .max(limits.tailLines)
    .default(100)
    .describe('How many of the latest lines come first, when the stream is not resumed'),
  lastEventId: eventId(/^(?:0|[1-9][0-9]{0,18}):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9]{1,9}$/),
});
