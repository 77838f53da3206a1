import { z } from 'zod';
import { id } from './id.ts';
import { page, pageInput } from './page.ts';
import { permission, role } from './permissions.ts';
import { text } from './text.ts';
import { tier } from './tiers.ts';

const email = z
  .string()
  .trim()
  .max(254)
  .normalize('NFKC')
  .toLowerCase()
  .pipe(z.email({ error: 'must be an email address' }))
  .meta({ format: 'email', examples: ['ada@example.com'] });

const password = z
  .string()
  .min(10, { error: 'must have at least 10 characters' })
  .max(256, { error: 'must have at most 256 characters' })
  .meta({ examples: ['correct horse battery staple'] });

const personName = text
  .trim()
  .min(1)
  .max(100)
  .meta({ examples: ['Ada Lovelace'] });
const keyName = text
  .trim()
  .min(1)
  .max(100)
  .meta({ examples: ['deploy script'] });
const accessToken = z
  .string()
  .meta({ description: 'Sent as a bearer token', examples: ['eyJhbGciOiJSUzI1NiJ9.e30.c2ln'] });
const refreshToken = z.string().meta({ examples: ['q1Zr0m3kE0xT5s8wY2vB7nC4dF6gH9jK'] });

export const registerInput = z.strictObject({ email, password, name: personName.optional() });
export const loginInput = z.strictObject({
  email,
  password: z
    .string()
    .min(1)
    .max(256)
    .meta({ examples: ['correct horse battery staple'] }),
});
export const refreshInput = z.strictObject({ refreshToken: refreshToken.min(1).max(512) });

export const user = z
  .object({
    id,
    email: z.string().meta({ examples: ['ada@example.com'] }),
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
    user: user.extend({ createdAt: z.date() }),
    team,
    role,
    permissions: z.array(permission).meta({ examples: [['workflows:read', 'executions:read']] }),
    tier,
    signedInBy: z.enum(['session', 'jwt', 'apiKey']),
  })
  .meta({ id: 'Me' });

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
