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
  .pipe(z.email({ error: 'must be an email address' }));

const password = z
  .string()
  .min(10, { error: 'must have at least 10 characters' })
  .max(256, { error: 'must have at most 256 characters' });

const personName = text.trim().min(1).max(100);

export const registerInput = z.strictObject({ email, password, name: personName.optional() });
export const loginInput = z.strictObject({ email, password: z.string().min(1).max(256) });
export const refreshInput = z.strictObject({ refreshToken: z.string().min(1).max(512) });

export const user = z.object({ id, email: z.string(), name: z.string() });
export const team = z.object({ id, name: z.string(), slug: z.string() });

/** What register, login and refresh answer. `expiresAt` is the access token's. */
export const signedIn = z.object({
  user,
  team,
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresAt: z.date(),
});
export type SignedIn = z.infer<typeof signedIn>;

export const me = z.object({
  user: user.extend({ createdAt: z.date() }),
  team,
  role,
  permissions: z.array(permission),
  tier,
  signedInBy: z.enum(['session', 'jwt', 'apiKey']),
});

export const apiKeyCreateInput = z.strictObject({
  name: text.trim().min(1).max(100),
  scopes: z
    .array(permission)
    .min(1)
    .max(50)
    .optional()
    .describe('Permissions of the key; all of its owner’s when absent'),
  tier: tier.optional(),
  expiresAt: z.date().optional().describe('Never expires when absent'),
});

export const apiKey = z.object({
  id,
  name: z.string(),
  prefix: z.string().describe('The first characters of the key, to tell keys apart'),
  scopes: z.array(permission),
  tier,
  createdAt: z.date(),
  expiresAt: z.date().nullable(),
});
export const apiKeyWithSecret = apiKey.extend({ key: z.string().describe('Shown only here') });
export const apiKeyListInput = pageInput;
export const apiKeyPage = page(apiKey);
export const apiKeyRevokeInput = z.strictObject({ id });
