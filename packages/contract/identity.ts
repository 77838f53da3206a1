import { z } from 'zod';
import { id } from './id.ts';
import { page, pageInput } from './page.ts';

/** Where people sign in elsewhere by going there and coming back. */
export const signInProvider = z.enum(['github', 'oidc']);
export type SignInProvider = z.infer<typeof signInProvider>;

/** Everywhere that an identity can be of. */
export const identityProvider = z.enum([...signInProvider.options, 'clerk']);
export type IdentityProvider = z.infer<typeof identityProvider>;

const returnTo = z
  .string()
  .min(1)
  .max(2_000)
  .optional()
  .meta({
    description: 'The path of this instance to which the browser goes afterwards; `/` when absent',
    examples: ['/workflows'],
  });

export const identityLoginInput = z.strictObject({ returnTo });
export const identityLinkInput = z.strictObject({ provider: signInProvider, returnTo });
/** Where to send the browser. The answer’s cookie binds the way there and back to it. */
export const identityRedirect = z
  .object({
    url: z.url().meta({
      description: 'Where the browser goes next, within ten minutes',
      examples: ['https://github.com/login/oauth/authorize?client_id=Iv1.8a61f9b3a7aba766&state=q1Zr0m3k'],
    }),
  })
  .meta({ id: 'IdentityRedirect' });

/** What providers send the browser back with. What else they add is ignored. */
export const identityCallbackQuery = z.object({
  state: z.string().min(1).max(512),
  code: z.string().min(1).max(4_096).optional(),
  error: z.string().max(200).optional(),
  iss: z.string().max(2_000).optional(),
});

export const identity = z
  .object({
    id,
    provider: identityProvider,
    issuer: z.string().meta({ description: 'Who vouches for it', examples: ['https://github.com'] }),
    label: z
      .string()
      .nullable()
      .meta({ description: 'What it is known by there', examples: ['ada'] }),
    createdAt: z.date(),
    lastUsedAt: z.date(),
  })
  .meta({ id: 'Identity' });
export type Identity = z.infer<typeof identity>;
export const identityListInput = pageInput;
export const identityPage = page(identity).meta({ id: 'IdentityPage' });
export const identityUnlinkInput = z.strictObject({ id });

/** The providers that this instance is set up for. */
export const signInProviders = z
  .object({
    items: z.array(
      z.object({
        provider: signInProvider,
        name: z.string().meta({ description: 'As people know it', examples: ['GitHub'] }),
      }),
    ),
  })
  .meta({ id: 'SignInProviders' });
