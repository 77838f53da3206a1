import { z } from 'zod';
import { defineKind, line } from '../credential-kind.ts';

/** User name and password. https://www.rfc-editor.org/rfc/rfc7617 */
export const basic = defineKind({
  title: 'User name and password',
  description: 'HTTP Basic authentication',
  values: z
    .strictObject({
      username: line({ title: 'User name', description: 'Without a colon', examples: ['ada'] }).refine(
        (name) => !name.includes(':'),
        { error: 'must not have a colon' },
      ),
      password: line({ title: 'Password', description: 'As it is', examples: ['example password of ada'] }),
    })
    .meta({ id: 'BasicValues' }),
  secret: ['password'],
  request: ({ username, password }) => ({
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
  }),
});
