import { z } from 'zod';
import { id as idSchema } from './id.ts';
import { limits } from './limits.ts';

const segment = '(?:[A-Za-z0-9][A-Za-z0-9._~-]*|:[A-Za-z_][A-Za-z0-9_]{0,49})';

/** The names of a webhook path's parameters, in their order: `['id']` for `orders/:id`. */
export function parametersOf(path: string): string[] {
  return path.split('/').flatMap((part) => (part.startsWith(':') ? [part.slice(1)] : []));
}

export const webhookPath = z
  .string()
  .max(200)
  .regex(new RegExp(`^${segment}(?:/${segment})*$`), {
    error:
      'must be path segments of letters, digits and . _ ~ - such as orders or shop/orders; one that starts with a colon, as in orders/:id, is a parameter',
  })
  .refine((path) => new Set(parametersOf(path)).size === parametersOf(path).length, {
    error: 'must not have two parameters of one name',
  })
  .meta({
    description:
      'Answers on /hooks/<team slug>/<path>. `orders/:id` has a parameter, which stands for one segment: expressions see it as `run.request.params.id`',
    examples: ['orders', 'orders/:id'],
  });

const headerName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'must be the name of a header, such as X-Signature' });

/** What both schemes have. */
const common = {
  credentialId: idSchema.describe('The `webhookSecret` credential that the sender signs with'),
  previousCredentialIds: z
    .array(idSchema)
    .min(1)
    .max(limits.previousSecrets)
    .optional()
    .describe('Others that are accepted too, while senders change from one secret to the next'),
  toleranceSeconds: z
    .int()
    .min(1)
    .max(3_600)
    .default(300)
    .describe('How far the time of a message may be from ours; the same message within that time is answered once'),
};

const standardWebhooks = z
  .strictObject({
    scheme: z
      .literal('standard-webhooks')
      .describe('`webhook-id`, `webhook-timestamp` and `webhook-signature`: https://www.standardwebhooks.com'),
    ...common,
  })
  .meta({ id: 'StandardWebhooksVerification' });

const hmac = z
  .strictObject({
    scheme: z.literal('hmac').describe('A keyed hash in a header'),
    ...common,
    signatureHeader: headerName.meta({
      description: 'The header with the signature',
      examples: ['X-Hub-Signature-256'],
    }),
    algorithm: z.enum(['sha256', 'sha512', 'sha1']).default('sha256').describe('The hash'),
    encoding: z.enum(['hex', 'base64']).default('hex').describe('How the signature is written'),
    prefix: z
      .string()
      .max(50)
      .default('')
      .meta({ description: 'What stands before the signature', examples: ['sha256='] }),
    timestampHeader: headerName.optional().meta({
      description:
        'The header with the time, in seconds since 1970; without one, an old message cannot be told from a new one',
      examples: ['X-Timestamp'],
    }),
    idHeader: headerName.optional().meta({
      description: 'The header that names the message: the same name again is answered once',
      examples: ['X-GitHub-Delivery'],
    }),
    payload: z
      .string()
      .max(200)
      .default('{body}')
      .meta({
        description: 'What is signed: `{body}`, with `{timestamp}` and `{id}` where the sender signs them too',
        examples: ['{timestamp}.{body}'],
      }),
  })
  .superRefine(({ payload, timestampHeader, idHeader }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const has = (name: string) => payload.split(`{${name}}`).length - 1;
    if (has('body') !== 1) issue('payload', 'must have {body} once');
    if (has('timestamp') > 0 && timestampHeader === undefined)
      issue('payload', 'has {timestamp}: give timestampHeader');
    if (has('id') > 0 && idHeader === undefined) issue('payload', 'has {id}: give idHeader');
    // Anybody could write a new time on an old message.
    if (timestampHeader !== undefined && has('timestamp') === 0) {
      issue('timestampHeader', 'is of no use unless payload has {timestamp}');
    }
  })
  .meta({ id: 'HmacVerification' });

/** How a webhook tells its sender from everybody else. */
export const webhookVerification = z.discriminatedUnion('scheme', [standardWebhooks, hmac]);
export type WebhookVerification = z.infer<typeof webhookVerification>;
