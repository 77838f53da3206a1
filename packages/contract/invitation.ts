import { z } from 'zod';
import { email, oneTimeToken } from './auth.ts';
import { id } from './id.ts';
import { page, pageInput } from './page.ts';
import { roleName, shownRole } from './role.ts';

export const invitation = z
  .object({
    id,
    teamId: id,
    email: z.string().meta({ examples: ['grace@example.com'] }),
    role: shownRole,
    invitedBy: id.nullable().meta({ description: 'The user who invited; null when they are gone' }),
    createdAt: z.date(),
    expiresAt: z.date(),
  })
  .meta({ id: 'Invitation' });
export type Invitation = z.infer<typeof invitation>;

export const invitationListInput = pageInput.extend({ id });
export const invitationPage = page(invitation).meta({ id: 'InvitationPage' });
export const invitationCreateInput = z.strictObject({ id, email, role: roleName.default('user') });

const invitationId = id.meta({ description: 'An open invitation to the team' });
export const invitationResendInput = z.strictObject({ id, invitationId });
export const invitationRevokeInput = z.strictObject({ id, invitationId });

const token = oneTimeToken.meta({
  description: 'From the link in the invitation',
  examples: ['fpi_3kQ9vT0m7bXc1nZs5dLw8rYp2hJf6gKaE4uI1oM0xB8'],
});
export const invitationAcceptInput = z.strictObject({ token });
export const invitationPreviewInput = z.strictObject({ token });

/** What an invitation is to, for whoever has its link. */
export const invitationPreview = z
  .object({
    team: z.string().meta({ description: 'Its name', examples: ['Acme Europe'] }),
    email: z.string().meta({ description: 'Who may accept it', examples: ['grace@example.com'] }),
    role: shownRole,
    invitedBy: z
      .string()
      .nullable()
      .meta({ description: 'The name of who invited; null when they are gone', examples: ['Ada Lovelace'] }),
    expiresAt: z.date(),
  })
  .meta({ id: 'InvitationPreview' });
