import { z } from 'zod';
import { defineKind, line } from '../credential-kind.ts';

export const query = defineKind({
  title: 'Query parameter',
  description: 'A secret in the address, for services that take it nowhere else',
  values: z
    .strictObject({
      name: line({ title: 'Name', description: 'The parameter’s name', examples: ['api_key'] }, 100),
      value: line(
        {
          title: 'Value',
          description: 'Encoded as it is added',
          examples: ['example-3kQ9vT0m7bXc1nZs5dLw8rYp2hJf6gKa'],
        },
        4_096,
      ),
    })
    .meta({ id: 'QueryValues' }),
  secret: ['value'],
  request: ({ name, value }) => ({ query: { [name]: value } }),
});
