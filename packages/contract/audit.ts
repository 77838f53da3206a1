import { z } from 'zod';
import { id } from './id.ts';
import { page, pageInput } from './page.ts';
import { text } from './text.ts';

const action = text
  .min(1)
  .max(100)
  .meta({ description: 'The procedure', examples: ['workflows.create'] });
const resourceType = text
  .min(1)
  .max(100)
  .meta({ examples: ['workflow'] });
const resourceId = text
  .min(1)
  .max(200)
  .meta({ examples: ['0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f'] });
const outcome = z.enum(['done', 'refused']);

/** Who did what to what, from where and by which credential. It has no values of what was sent. */
export const auditEvent = z
  .object({
    id,
    createdAt: z.date(),
    action,
    outcome,
    code: z
      .string()
      .nullable()
      .meta({ description: 'Why it was refused', examples: [null] }),
    resourceType: resourceType.nullable(),
    resourceId: resourceId.nullable(),
    userId: id.nullable().describe('Who did it; null for somebody who was not signed in'),
    email: z
      .string()
      .nullable()
      .meta({ description: 'Their email as it was then', examples: ['ada@example.com'] }),
    principal: z.string().meta({
      description:
        'How they were known: `session`, `jwt`, `apiKey` or the like, `link`, or `none` where no sign-in is needed',
      examples: ['apiKey'],
    }),
    apiKeyId: id.nullable(),
    apiKeyPrefix: z
      .string()
      .nullable()
      .meta({ examples: ['fp_live_3kQ9vT0m'] }),
    sessionId: id.nullable().describe('The session; null when it ended by this'),
    details: z
      .object({
        fields: z
          .array(z.string())
          .optional()
          .meta({ description: 'The names of the fields that were sent', examples: [['name', 'definition']] }),
        further: z
          .literal('not recorded')
          .optional()
          .meta({ description: 'Further refusals of the caller in that minute were not recorded' }),
      })
      .meta({ examples: [{ fields: ['name', 'definition'] }] }),
    address: z
      .string()
      .nullable()
      .meta({ description: 'The network that it came from', examples: ['203.0.113.0/24'] }),
    userAgent: z
      .string()
      .nullable()
      .meta({ examples: ['curl/8.9.1'] }),
    requestId: z
      .string()
      .nullable()
      .meta({ examples: ['5b1f2c1e-8a40-4a6c-9d57-0e4f9b8f2f11'] }),
  })
  .meta({ id: 'AuditEvent' });
export type AuditEvent = z.infer<typeof auditEvent>;

export const auditListInput = pageInput.extend({
  action: action.optional(),
  resourceType: resourceType.optional(),
  resourceId: resourceId.optional(),
  userId: id.optional().describe('Only what this user did'),
  outcome: outcome.optional(),
  from: z.date().optional().describe('Only what happened then or later'),
  to: z.date().optional().describe('Only what happened before'),
});
export const auditPage = page(auditEvent).meta({ id: 'AuditEventPage' });
