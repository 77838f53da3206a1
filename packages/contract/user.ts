import { z } from 'zod';
import { password, personName } from './auth.ts';

export const userUpdateInput = z.strictObject({ name: personName });
export const passwordChangeInput = z.strictObject({
  currentPassword: z
    .string()
    .min(1)
    .max(256)
    .meta({ examples: ['correct horse battery staple'] }),
  newPassword: password.meta({ examples: ['four other words entirely'] }),
});
