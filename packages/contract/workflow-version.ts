import { z } from 'zod';
import { definition } from './definition.ts';
import { id } from './id.ts';
import { page, pageInput } from './page.ts';
import { text } from './text.ts';

/** Numbers versions of one workflow, from 1. */
export const versionNumber = z
  .int()
  .min(1)
  .max(2_147_483_647)
  .meta({ description: 'A published version', examples: [1] });

/** What a publication is about, for people. */
export const versionNote = text
  .trim()
  .min(1)
  .max(500)
  .meta({ description: 'What is new, for people', examples: ['Gold from 100 on'] });

/** A publication: what it was is never changed afterwards. */
export const workflowVersion = z
  .object({
    version: versionNumber,
    publishedAt: z.date(),
    publishedBy: z
      .object({ id, name: z.string().meta({ examples: ['Ada Lovelace'] }) })
      .nullable()
      .describe('null when the account is gone'),
    note: z
      .string()
      .nullable()
      .meta({ description: 'What was said when it was published', examples: ['Gold from 100 on'] }),
    definition,
  })
  .meta({ id: 'WorkflowVersion' });
export type WorkflowVersion = z.infer<typeof workflowVersion>;

/** A row of the list: the version without its definition. */
export const workflowVersionSummary = workflowVersion.omit({ definition: true }).meta({ id: 'WorkflowVersionSummary' });
export type WorkflowVersionSummary = z.infer<typeof workflowVersionSummary>;

export const workflowVersionsInput = pageInput.extend({
  id,
  cursor: z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, { error: 'must be a cursor that an earlier page gave as nextCursor' })
    .optional()
    .describe('nextCursor of the page before'),
});
export const workflowVersionPage = page(workflowVersionSummary).meta({ id: 'WorkflowVersionPage' });

export const workflowVersionInput = z.strictObject({ id, version: versionNumber });

/** The revision that a change is based on; when given, a change of any other is refused. */
const revision = z.int().min(1).optional().describe('The revision that the change is based on');

export const workflowRollbackInput = z.strictObject({
  id,
  version: versionNumber.describe('The version to go back to'),
  note: versionNote.optional().describe('What the new version’s note says; that it is a rollback when absent'),
  revision,
});

export const workflowUnpublishInput = z.strictObject({ id, revision });
