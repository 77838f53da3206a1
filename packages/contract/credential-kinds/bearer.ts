import { z } from 'zod';
import { defineKind, secretToken } from '../credential-kind.ts';

export const bearer = defineKind({
  title: 'Bearer token',
  description: 'A token or API key that is sent as `Authorization: Bearer …`',
  values: z
    .strictObject({ token: secretToken({ title: 'Token', description: 'Without the word Bearer' }) })
    .meta({ id: 'BearerValues' }),
  secret: ['token'],
  request: ({ token }) => ({ headers: { authorization: `Bearer ${token}` } }),
});
