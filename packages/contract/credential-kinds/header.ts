import { z } from 'zod';
import { defineKind } from '../credential-kind.ts';

export const header = defineKind({
  title: 'Header',
  description: 'A secret in a header of its own, such as `X-API-Key`',
  values: z
    .strictObject({
      name: z
        .string()
        .max(100)
        .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, { error: 'must be the name of a header, such as X-API-Key' })
        .meta({ title: 'Name', description: 'The header’s name', examples: ['X-API-Key'] }),
      value: z
        .string()
        .min(1)
        .max(8_192)
        .regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, {
          error: 'must be printable ASCII characters without spaces around',
        })
        .meta({
          title: 'Value',
          description: 'Sent as it is',
          examples: ['example-3kQ9vT0m7bXc1nZs5dLw8rYp2hJf6gKa'],
        }),
    })
    .meta({ id: 'HeaderValues' }),
  secret: ['value'],
  request: ({ name, value }) => ({ headers: { [name.toLowerCase()]: value } }),
});
