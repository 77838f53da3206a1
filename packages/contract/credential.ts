import { z } from 'zod';
import { credentialKindName, credentialKinds } from './credential-kinds.ts';
import { hostPatterns } from './host-pattern.ts';
import { id } from './id.ts';
import { page, pageInput } from './page.ts';
import { text } from './text.ts';

const name = text
  .trim()
  .min(1)
  .max(200)
  .meta({ examples: ['Shop API'] });

/** A credential as everybody sees it: its values are never shown. */
export const credential = z
  .object({
    id,
    name: z.string().meta({ examples: ['Shop API'] }),
    kind: credentialKindName,
    allowedHosts: z
      .array(z.string())
      .meta({ description: 'The only hosts that it is sent to', examples: [['api.example.com']] }),
    fields: z.array(z.string()).meta({ description: 'The names of the values that it has', examples: [['token']] }),
    revision: z.int().meta({ description: 'Raised by every change; the ETag', examples: [1] }),
    createdAt: z.date(),
    updatedAt: z.date(),
    lastUsedAt: z.date().nullable().describe('To the minute; null when it was never used'),
  })
  .meta({ id: 'Credential' });
export type Credential = z.infer<typeof credential>;

const allowedHosts = hostPatterns.default([]);

/**
 * Each kind with its values. A secret value may name where it is kept instead, when the operator allows that: `env:NAME` or
 * `aws-sm:<ARN>`.
 */
export const credentialCreateInput = z.discriminatedUnion('kind', [
  z.strictObject({ name, kind: z.literal('bearer'), values: credentialKinds.bearer.values, allowedHosts }),
  z.strictObject({ name, kind: z.literal('basic'), values: credentialKinds.basic.values, allowedHosts }),
  z.strictObject({ name, kind: z.literal('header'), values: credentialKinds.header.values, allowedHosts }),
  z.strictObject({ name, kind: z.literal('query'), values: credentialKinds.query.values, allowedHosts }),
  z.strictObject({
    name,
    kind: z.literal('oauth2ClientCredentials'),
    values: credentialKinds.oauth2ClientCredentials.values,
    allowedHosts,
  }),
  z.strictObject({
    name,
    kind: z.literal('webhookSecret'),
    values: credentialKinds.webhookSecret.values,
    allowedHosts,
  }),
]);

export const credentialGetInput = z.strictObject({ id });
export const credentialListInput = pageInput;
export const credentialPage = page(credential).meta({ id: 'CredentialPage' });

/** The revision that a change is based on; when given, a change of any other is refused. */
const revision = z.int().min(1).optional().describe('The revision that the change is based on');

const newValues = z
  .record(z.string().max(100), z.string().max(8_192))
  .optional()
  .meta({
    description: 'All values of the kind; those that are kept stay when absent',
    examples: [{ token: 'example-new' }],
  });

/** PATCH merges: what is absent stays. Values are replaced as a whole. */
export const credentialUpdateInput = z.strictObject({
  id,
  name: name.optional(),
  values: newValues,
  allowedHosts: hostPatterns.optional(),
  revision,
});

/** PUT replaces. What GET answered can be sent back; what is not the caller's to set is left as it is. */
export const credentialReplaceInput = z.strictObject({
  id,
  name,
  values: newValues,
  allowedHosts,
  revision,
  kind: credentialKindName.optional(),
  fields: z.array(z.string().max(100)).max(100).optional(),
  createdAt: z.date().optional(),
  updatedAt: z.date().optional(),
  lastUsedAt: z.date().nullable().optional(),
});

export const credentialDeleteInput = z.strictObject({ id, revision });

export const credentialTestInput = z.strictObject({
  id,
  url: z
    .string()
    .min(1)
    .max(8_192)
    .meta({ description: 'On an allowed host', examples: ['https://api.example.com/me'] }),
  method: z.enum(['GET', 'HEAD', 'POST']).default('GET'),
});

/** How a request with the credential went. */
export const credentialTestResult = z
  .object({
    ok: z.boolean().describe('Whether the answer had a status below 400'),
    status: z
      .int()
      .nullable()
      .meta({ description: 'null when nothing was answered', examples: [200] }),
    message: z
      .string()
      .nullable()
      .meta({ description: 'Why nothing was answered; null when something was', examples: [null] }),
  })
  .meta({ id: 'CredentialTestResult' });
