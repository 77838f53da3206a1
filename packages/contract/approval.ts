import { z } from 'zod';
import { id } from './id.ts';
import { json } from './json.ts';
import { limits } from './limits.ts';
import { page, pageInput } from './page.ts';
import { text } from './text.ts';

/** A field of the form that is filled in with a decision. */
export const approvalField = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, { error: 'must start with a letter and hold only letters, digits and _' })
      .meta({ description: 'Its key in the result’s `fields`', examples: ['reason'] }),
    label: z.string().max(200).optional().describe('Shown instead of the name'),
    type: z.enum(['text', 'number', 'boolean', 'choice']).default('text'),
    options: z.array(z.string().min(1).max(200)).min(1).max(100).optional().describe('What a `choice` offers'),
    required: z.boolean().default(false).describe('Whether nobody can decide without it'),
  })
  .meta({ id: 'ApprovalField' });
export type ApprovalField = z.infer<typeof approvalField>;

/** What is asked. */
export const approvalRequest = z.strictObject({
  title: z
    .string()
    .min(1)
    .max(200)
    .meta({ title: 'Title', description: 'What is asked', examples: ['Refund 70 €?'] }),
  details: json.default(null).meta({
    title: 'Details',
    description: 'Shown to whoever decides',
    examples: [{ order: 41, total: 70 }],
  }),
  fields: z
    .array(approvalField)
    .max(50)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, { error: 'must have different names' })
    .refine((all) => all.every(({ type, options }) => (type === 'choice') === (options !== undefined)), {
      error: 'a choice needs options, and nothing else has them',
    })
    .default([])
    .meta({ title: 'Fields', description: 'Filled in with the decision' }),
});

const fieldValue = z.union([text.max(limits.approvalText), z.number(), z.boolean(), z.null()]);

/** What was filled in, by the names of the fields. */
const fieldValues = z.record(z.string().max(64), fieldValue).meta({ examples: [{ reason: 'Damaged on the way' }] });
export type FieldValues = z.infer<typeof fieldValues>;

/** What a decided `approval` step results in. */
export const approvalDecision = z
  .object({
    approved: z.boolean(),
    fields: fieldValues,
    by: id.nullable().describe('The user who decided; null for whoever had the link'),
    at: z.string().meta({ description: 'When, as ISO 8601', examples: ['2026-07-01T09:30:00.000Z'] }),
  })
  .meta({ id: 'ApprovalDecision' });
export type ApprovalDecision = z.infer<typeof approvalDecision>;

export const approval = z
  .object({
    id,
    executionId: id,
    workflowId: id,
    workflowName: z.string().meta({ examples: ['Refunds'] }),
    path: z.string().meta({ description: 'The step that waits for it', examples: ['ask'] }),
    ...approvalRequest.shape,
    status: z.enum(['open', 'approved', 'rejected', 'expired', 'ended']).meta({
      description:
        '`expired` when nobody decided in time, `ended` when the execution ended before; both cannot be decided any more',
      examples: ['open'],
    }),
    decision: approvalDecision.nullable().meta({ description: 'null until somebody has decided', examples: [null] }),
    link: z
      .string()
      .nullable()
      .meta({
        description:
          'A page on which whoever has this address can decide, without an account. Only of open ones, and for callers with `approvals:write`',
        examples: [null],
      }),
    createdAt: z.date(),
    expiresAt: z
      .date()
      .nullable()
      .meta({ description: 'When it is too late; null for as long as the execution may take', examples: [null] }),
  })
  .meta({ id: 'Approval' });
export type Approval = z.infer<typeof approval>;

export const approvalListInput = pageInput.extend({
  status: z.enum(['open', 'decided']).optional().describe('Only those that can be decided, or only those that were'),
  workflowId: id.optional(),
  executionId: id.optional(),
});
export const approvalPage = page(approval).meta({ id: 'ApprovalPage' });
export const approvalGetInput = z.strictObject({ id });
export const approvalDecideInput = z.strictObject({
  id,
  approved: z.boolean().meta({ description: 'true approves, false rejects', examples: [true] }),
  fields: fieldValues.default({}).describe('What is filled in, by the names of the fields that are asked for'),
});
