import { z } from 'zod';
import { id } from './id.ts';
import { page, pageInput } from './page.ts';
import { permission } from './permissions.ts';
import { shownRole } from './role.ts';
import { text } from './text.ts';
import { tier } from './tiers.ts';

export const email = z
  .string()
  .trim()
  .max(254)
  .normalize('NFKC')
  .toLowerCase()
  .pipe(z.email({ error: 'must be an email address' }))
  .meta({ format: 'email', examples: ['ada@example.com'] });

export const password = z
  .string()
  .min(10, { error: 'must have at least 10 characters' })
  .max(256, { error: 'must have at most 256 characters' })
  .meta({ examples: ['correct horse battery staple'] });

export const personName = text
  .trim()
  .min(1)
  .max(100)
  .meta({ examples: ['Ada Lovelace'] });
export const oneTimeToken = z
  .string()
  .min(1)
  .max(512)
  .meta({ description: 'From the link in the mail', examples: ['fpv_3kQ9vT0m7bXc1nZs5dLw8rYp2hJf6gKaE4uI1oM0xB8'] });
const keyName = text
  .trim()
  .min(1)
  .max(100)
  .meta({ examples: ['deploy script'] });
const accessToken = z
  .string()
  .meta({ description: 'Sent as a bearer token', examples: ['eyJhbGciOiJSUzI1NiJ9.e30.c2ln'] });
const refreshToken = z.string().meta({ examples: ['q1Zr0m3kE0xT5s8wY2vB7nC4dF6gH9jK'] });

export const registerInput = z.strictObject({
  email,
  password,
  name: personName.optional(),
  invitation: oneTimeToken.optional().meta({
    description: 'The token of an invitation to this address: the account is in that team, and its address verified',
    examples: ['fpi_3kQ9vT0m7bXc1nZs5dLw8rYp2hJf6gKaE4uI1oM0xB8'],
  }),
});
export const loginInput = z.strictObject({
  email,
  password: z
    .string()
    .min(1)
    .max(256)
    .meta({ examples: ['correct horse battery staple'] }),
});
export const refreshInput = z.strictObject({ refreshToken: refreshToken.min(1).max(512) });
export const verifyEmailInput = z.strictObject({ token: oneTimeToken });
export const forgotPasswordInput = z.strictObject({ email });
export const resetPasswordInput = z.strictObject({ token: oneTimeToken, password });
/** What is answered before the work is done. */
export const accepted = z
  .object({ detail: z.string().meta({ examples: ['If the address has an account, a mail is on its way.'] }) })
  .meta({ id: 'Accepted' });

export const user = z
  .object({
    id,
    email: z
      .string()
      .nullable()
      .meta({
        description: 'Null for a guest, and for who signs in elsewhere without a verified one',
        examples: ['ada@example.com'],
      }),
    name: z.string().meta({ examples: ['Ada Lovelace'] }),
  })
  .meta({ id: 'User' });
export const team = z
  .object({
    id,
    name: z.string().meta({ examples: ['Ada Lovelace'] }),
    slug: z.string().meta({ description: 'In the addresses of the team’s webhooks', examples: ['ada-lovelace'] }),
  })
  .meta({ id: 'Team' });

/** What register, login and refresh answer. `expiresAt` is the access token's. */
export const signedIn = z
  .object({
    user,
    team,
    accessToken,
    refreshToken,
    expiresAt: z.date(),
  })
  .meta({ id: 'SignedIn' });
export type SignedIn = z.infer<typeof signedIn>;

export const me = z
  .object({
    user: user.extend({
      createdAt: z.date(),
      emailVerified: z.boolean(),
      guestUntil: z
        .date()
        .nullable()
        .meta({ description: 'When a guest goes, with everything of theirs; null for an account', examples: [null] }),
    }),
    team,
    role: shownRole,
    permissions: z.array(permission).meta({ examples: [['workflows:read', 'executions:read']] }),
    tier,
    signedInBy: z.enum(['session', 'jwt', 'apiKey', 'clerk']),
  })
  .meta({ id: 'Me' });

/** The credential behind a request, and what it may do. */
export const whoami = z
  .object({
    kind: z.enum(['session', 'jwt', 'apiKey', 'clerk']),
    user,
    team,
    role: shownRole,
    permissions: z.array(permission).meta({ examples: [['workflows:read', 'executions:read']] }),
    tier,
    apiKey: z
      .object({
        id,
        prefix: z.string().meta({ examples: ['fp_live_3kQ9vT0m'] }),
        expiresAt: z.date().nullable(),
      })
      .nullable()
      .meta({ description: 'The API key that was sent; null for a session or an access token' }),
  })
  .meta({ id: 'Whoami' });

export const guestMergeInput = z.strictObject({
  guestToken: z
    .string()
    .min(1)
    .max(4_096)
    .meta({ description: 'The access token of the guest', examples: ['eyJhbGciOiJSUzI1NiJ9.e30.c2ln'] }),
});
/** What a merge has moved into the team of the caller. */
export const guestMerged = z
  .object({
    workflows: z.int().meta({ examples: [2] }),
    executions: z.int().meta({ examples: [17] }),
    schedules: z.int().meta({ examples: [1] }),
    events: z.int().meta({ examples: [0] }),
    webhooks: z
      .array(
        z.object({
          workflowId: id,
          triggerId: z.string().meta({ examples: ['hook'] }),
          method: z.string().meta({ examples: ['POST'] }),
          before: z
            .string()
            .meta({ description: 'Where it answered until now', examples: ['/hooks/guest-7xk2mn/orders'] }),
          path: z.string().meta({ description: 'Its address from now on', examples: ['/hooks/ada-lovelace/orders'] }),
          answers: z
            .boolean()
            .meta({ description: 'False where a webhook that the team had before answers there', examples: [true] }),
        }),
      )
      .meta({ description: 'The team’s slug is in the addresses of webhooks, so they have changed' }),
  })
  .meta({ id: 'GuestMerged' });

export const session = z
  .object({
    id,
    createdAt: z.date(),
    lastUsedAt: z.date().meta({ description: 'To the minute' }),
    expiresAt: z.date(),
    address: z
      .string()
      .nullable()
      .meta({ description: 'The network that signed in', examples: ['203.0.113.0/24'] }),
    userAgent: z
      .string()
      .nullable()
      .meta({ examples: ['Mozilla/5.0'] }),
    current: z.boolean().meta({ description: 'Whether it is the one that asks' }),
  })
  .meta({ id: 'Session' });
export const sessionListInput = pageInput;
export const sessionPage = page(session).meta({ id: 'SessionPage' });
export const sessionRevokeInput = z.strictObject({ id });

export const apiKeyCreateInput = z.strictObject({
  name: keyName,
  scopes: z
    .array(permission)
    .min(1)
    .max(50)
    .optional()
    .meta({
      description: 'Permissions of the key; all of its owner’s when absent',
      examples: [['workflows:read', 'workflows:execute']],
    }),
  tier: tier.optional(),
  expiresAt: z.date().optional().describe('Never expires when absent'),
});

export const apiKey = z
  .object({
    id,
    name: z.string().meta({ examples: ['deploy script'] }),
    prefix: z
      .string()
      .meta({ description: 'The first characters of the key, to tell keys apart', examples: ['fp_3kQ9'] }),
    scopes: z.array(permission).meta({ examples: [['workflows:read', 'workflows:execute']] }),
    tier,
    createdAt: z.date(),
    expiresAt: z.date().nullable(),
    lastUsedAt: z.date().nullable().meta({ description: 'To the minute; null when it was never used' }),
  })
  .meta({ id: 'ApiKey' });
export const apiKeyWithSecret = apiKey
  .extend({
    key: z.string().meta({ description: 'Shown only here', examples: ['fp_3kQ9vT0m7bXc1nZs5dLw8rYp2hJf6gKa'] }),
  })
  .meta({ id: 'ApiKeyWithSecret' });
export const apiKeyListInput = pageInput;
export const apiKeyPage = page(apiKey).meta({ id: 'ApiKeyPage' });
export const apiKeyRevokeInput = z.strictObject({ id });
export const apiKeyRotateInput = z.strictObject({
  id,
  overlapSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(0)
    .describe('How long the old key works beside the new one; not at all when absent'),
});
export const apiKeyImportInput = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        name: keyName,
        hash: z
          .string()
          .regex(/^[0-9a-fA-F]{64}$/, { error: 'must be a SHA-256 of 64 hex digits' })
          .toLowerCase()
          .meta({
            description: 'SHA-256 of the key, hex',
            examples: ['2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae'],
          }),
        prefix: text
          .min(1)
          .max(16)
          .meta({ description: 'The first characters of the key', examples: ['sk_3kQ9'] }),
        scopes: z.array(permission).min(1).max(50).optional(),
        tier: tier.optional(),
        expiresAt: z.date().optional(),
      }),
    )
    .min(1)
    .max(100),
});
export const apiKeyImported = z.object({ items: z.array(apiKey) }).meta({ id: 'ApiKeysImported' });

export const signingKeyRotateInput = z.strictObject({
  immediately: z
    .boolean()
    .default(false)
    .describe('For a key that leaked: every access token so far is refused at once'),
});
export const signingKeyRotated = z
  .object({
    kid: z.string().meta({ examples: ['NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'] }),
    signsFrom: z.date(),
  })
  .meta({ id: 'SigningKeyRotated' });
