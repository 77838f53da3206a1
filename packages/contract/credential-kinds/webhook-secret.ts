import { z } from 'zod';
import { defineKind, line } from '../credential-kind.ts';

export const webhookSecret = defineKind({
  title: 'Webhook secret',
  description: 'What a sender signs its webhooks with. It is never sent',
  values: z
    .strictObject({
      secret: line({
        title: 'Secret',
        description: 'As the sender shows it',
        examples: ['example-3kQ9vT0m7bXc1nZs5dLw8rYp2hJf6gKa'],
      }).min(8, { error: 'must have at least 8 characters' }),
    })
    .meta({ id: 'WebhookSecretValues' }),
  secret: ['secret'],
});
