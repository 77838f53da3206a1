import { z } from 'zod';
import { team } from './auth.ts';
import { id } from './id.ts';
import { page, pageInput } from './page.ts';
import { roleName, shownRole } from './role.ts';
import { text } from './text.ts';

const name = text
  .trim()
  .min(1)
  .max(100)
  .refine((value) => !/\p{Cc}/u.test(value), { error: 'must be one line' })
  .meta({ examples: ['Acme Europe'] });

/** Two spellings of one slug are one slug; letters that only look alike are refused. */
const slug = z
  .string()
  .trim()
  .max(48)
  .normalize('NFKC')
  .toLowerCase()
  .pipe(
    z
      .string()
      .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, { error: 'must hold only letters a to z, digits and single hyphens' })
      .max(48),
  )
  .meta({ examples: ['acme-europe'] });

export const teamDetails = team
  .extend({
    revision: z.int().meta({ description: 'Raised by every change; the ETag', examples: [1] }),
    createdAt: z.date(),
    updatedAt: z.date(),
  })
  .meta({ id: 'TeamDetails' });
export type TeamDetails = z.infer<typeof teamDetails>;

/** A row of the list of the caller's teams. */
export const ownTeam = team
  .extend({ role: shownRole, joinedAt: z.date() })
  .meta({ id: 'OwnTeam', description: 'A team of the caller, and as what they are in it' });
export type OwnTeam = z.infer<typeof ownTeam>;

const revision = z.int().min(1).optional().describe('The revision that the change is based on');

export const teamListInput = pageInput;
export const teamPage = page(ownTeam).meta({ id: 'TeamPage' });
export const teamCreateInput = z.strictObject({
  name,
  slug: slug.optional().describe('In the addresses of the team’s webhooks; made from the name when absent'),
});
export const teamGetInput = z.strictObject({ id });
export const teamUpdateInput = z.strictObject({
  id,
  name: name.optional(),
  slug: slug.optional().describe('Changes the addresses of the team’s webhooks; no other team gets the old one'),
  moveWebhooks: z
    .boolean()
    .default(false)
    .describe('Change the slug although webhooks are published: they answer only at their new addresses from then on'),
  revision,
});
export const teamDeleteInput = z.strictObject({
  id,
  force: z.boolean().default(false).describe('Cancel the executions that are under way first'),
  revision,
});
export const teamLeaveInput = z.strictObject({ id });

const userId = id.meta({ description: 'A member of the team' });

export const member = z
  .object({
    userId: id,
    name: z.string().meta({ examples: ['Ada Lovelace'] }),
    email: z
      .string()
      .nullable()
      .meta({ description: 'Null for a guest', examples: ['ada@example.com'] }),
    role: shownRole,
    joinedAt: z.date(),
  })
  .meta({ id: 'Member' });
export type Member = z.infer<typeof member>;

export const memberListInput = pageInput.extend({ id });
export const memberPage = page(member).meta({ id: 'MemberPage' });
export const memberUpdateInput = z.strictObject({ id, userId, role: roleName });
export const memberRemoveInput = z.strictObject({ id, userId });
export const teamTransferInput = z.strictObject({
  id,
  userId: userId.describe('The member who becomes admin'),
  role: roleName.default('user').describe('What the caller is from then on'),
});
