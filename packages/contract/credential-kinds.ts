import { z } from 'zod';
import type { CredentialKind } from './credential-kind.ts';
import { basic } from './credential-kinds/basic.ts';
import { bearer } from './credential-kinds/bearer.ts';
import { header } from './credential-kinds/header.ts';
import { oauth2ClientCredentials } from './credential-kinds/oauth2-client-credentials.ts';
import { query } from './credential-kinds/query.ts';
import { webhookSecret } from './credential-kinds/webhook-secret.ts';

/** Every kind of credential: a new one is one file, one line here and one in `credentialCreateInput`. */
export const credentialKinds = {
  bearer,
  basic,
  header,
  query,
  oauth2ClientCredentials,
  webhookSecret,
} as const satisfies Record<string, CredentialKind>;

export type CredentialKindName = keyof typeof credentialKinds;

export const credentialKindName = z
  .enum(['bearer', 'basic', 'header', 'query', 'oauth2ClientCredentials', 'webhookSecret'])
  .meta({ description: 'What it is, and so which values it has', examples: ['bearer'] });

/** The kind of this name, as every kind is used. */
export function kindOf(name: CredentialKindName): CredentialKind {
  return credentialKinds[name];
}
