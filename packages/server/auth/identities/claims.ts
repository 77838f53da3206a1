import { email } from '@flowplane/contract/auth';
import type { IdentityProvider } from '@flowplane/contract/identity';
import { storable } from '@flowplane/contract/text';
import { z } from 'zod';

/** Who somebody is at an issuer, as the issuer says. */
export type Claims = {
  provider: IdentityProvider;
  /** The provider as people know it. */
  title: string;
  issuer: string;
  /** Never given to anybody else there, unlike an email or a login. */
  subject: string;
  /** What they are known by there. */
  label: string | null;
  name: string | null;
  email: { address: string; verified: boolean } | null;
};

/** Whether a claim says yes. Some write it as a text, which is no less clear. */
export const yes = z.union([z.boolean(), z.literal('true').transform(() => true)]).catch(false);

/** An address in the form in which accounts have theirs; null for what is none. */
export function claimedEmail(address: unknown, verified: boolean): Claims['email'] {
  const { success, data } = email.safeParse(address);
  return success ? { address: data, verified } : null;
}

/** The first of some texts of others that says anything, as it may be stored and shown. */
export function firstText(most: number, ...texts: (string | null | undefined)[]): string | null {
  for (const text of texts) {
    const shown = storable(text ?? '')
      .slice(0, most)
      .trim();
    if (shown) return storable(shown);
  }
  return null;
}
