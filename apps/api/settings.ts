import { parseAllowList } from '@flowplane/egress/allow-list';
import { parseReferenceRules } from '@flowplane/server/credentials/references';
import { z } from 'zod';
import { isNetwork } from './network.ts';
import { weaknessOf } from './weak-secret-key.ts';

const text = z.string().min(1, { error: 'something' });

function wholeNumber(from: number, to: number) {
  const error = `a whole number from ${from} to ${to}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { error })
    .transform(Number)
    .pipe(z.number().min(from, { error }).max(to, { error }));
}

function oneOf<const Options extends readonly [string, ...string[]]>(options: Options) {
  return z.enum(options, { error: options.join(', ').replace(/, ([^,]*)$/, ' or $1') });
}

function url(...schemes: string[]) {
  const error = `a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`;
  return z.string().refine((value) => schemes.includes(URL.parse(value)?.protocol ?? ''), { error });
}

/** A name of at most 80 characters: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html */
function isQueueUrl(value: string): boolean {
  const url = URL.parse(value);
  return /^https?:$/.test(url?.protocol ?? '') && /\/(?=[^/]{1,80}$)[\w-]+(?:\.fifo)?$/.test(value);
}

const queueUrl = z.string().refine(isQueueUrl, {
  error:
    'the URL of a queue such as https://sqs.us-east-1.amazonaws.com/123456789012/flowplane, whose name has no dot or ends in .fifo',
});

function isAllowList(entries: readonly string[]): boolean {
  try {
    parseAllowList(entries);
    return true;
  } catch {
    return false;
  }
}

const emailOrUrl = z
  .string()
  .refine((value) => z.union([z.email(), z.url({ protocol: /^https?$/ })]).safeParse(value).success, {
    error: 'an email address or a URL that starts with http:// or https://',
  });

const hosts = z
  .string()
  .transform((value) => value.split(',').flatMap((item) => item.trim() || []))
  .refine(isAllowList, { error: 'host names, IP addresses or CIDR ranges such as 10.0.0.0/8, separated by commas' });

function isOrigin(value: unknown): value is string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && url.origin === value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const origins = z
  .string()
  .transform(parsed)
  .pipe(
    z.custom<string[]>((value) => Array.isArray(value) && value.length <= 100 && value.every(isOrigin), {
      error: 'a JSON list of origins such as ["https://app.example.com"]: scheme, host and port only, no path and no *',
    }),
  );

function isReferenceRules(entries: readonly string[]): boolean {
  try {
    parseReferenceRules(entries);
    return true;
  } catch {
    return false;
  }
}

const networks = z
  .string()
  .transform((value) => value.split(',').flatMap((item) => item.trim() || []))
  .refine((entries) => entries.every(isNetwork), {
    error: 'IP addresses or CIDR ranges such as 10.0.0.0/8, separated by commas',
  });

/** An issuer is compared as a text, so it must be an address and nothing more. */
const issuer = z
  .string()
  .refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? '') && !/[?#@]/.test(value), {
    error: 'a URL such as https://id.example.com, without a query',
  });

const scopes = z
  .string()
  .transform((value) => value.split(/[\s,]+/).filter((scope) => scope !== ''))
  .refine((list) => list.includes('openid') && list.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(scope)), {
    error: 'scopes separated by spaces, with openid among them',
  });

const references = z
  .string()
  .transform((value) => value.split(',').flatMap((item) => item.trim() || []))
  .refine(isReferenceRules, { error: 'env:NAME@host or aws-sm:<ARN>@host, separated by commas' });

/** Every setting, by environment variable. The errors say what is accepted; `.env.example` is made from this. */
export const settings = z.object({
  ENVIRONMENT: oneOf(['development', 'production']).default('development').meta({
    group: 'App',
    description: 'development, or production: cookies over HTTPS only, JSON logs, SECRET_KEY required',
  }),
  ROLE: oneOf(['all', 'api', 'worker']).default('all').meta({
    group: 'App',
    description: 'What this process does: serve requests and run workflows (all), only serve (api), only run (worker)',
  }),
  DATA_DIR: text.default('.flowplane').meta({
    group: 'App',
    description: 'Where the embedded PostgreSQL and the generated key live',
  }),
  EXECUTION_SLOTS: wholeNumber(1, 10_000)
    .default(200)
    .meta({ group: 'App', description: 'Executions that this process advances at once' }),
  EXECUTION_RETENTION_DAYS: wholeNumber(0, 3_650).default(30).meta({
    group: 'App',
    description: 'Days that finished executions are kept, unless their workflow says otherwise; 0 keeps them for good',
  }),
  AUDIT_RETENTION_DAYS: wholeNumber(0, 3_650)
    .refine((days) => days === 0 || days >= 30, { error: '0, or a whole number from 30 to 3650' })
    .default(365)
    .meta({
      group: 'App',
      description: 'Days that the audit log goes back, 30 or more; 0 keeps it for good',
    }),
  QUEUE_LIMIT: wholeNumber(0, 100_000_000).default(500_000).meta({
    group: 'App',
    description: 'Executions that may wait to be run; with more, starts are refused with 429. 0 for no bound',
  }),
  QUEUE_LIMIT_PER_TEAM: wholeNumber(0, 100_000_000)
    .default(100_000)
    .meta({ group: 'App', description: 'The same for one team' }),
  API_HOST: text.default('0.0.0.0').meta({ group: 'Server', description: 'The address to listen on' }),
  API_PORT: wholeNumber(1, 65_535).default(8000).meta({ group: 'Server', description: 'The port to listen on' }),
  PUBLIC_URL: url('http:', 'https:').optional().meta({
    group: 'Server',
    description: 'Where people reach this instance, when that is not http://localhost:<API_PORT>',
    example: 'https://flowplane.example.com',
  }),
  HTTPS_REQUIRED: oneOf(['yes', 'no']).optional().meta({
    group: 'Server',
    description: 'Whether plain HTTP from other machines is refused; when absent: in production',
    example: 'yes',
  }),
  TRUSTED_PROXIES: networks.default([]).meta({
    group: 'Server',
    description:
      'Addresses of the proxies before this instance, separated by commas; X-Forwarded-For and -Proto count only from these',
    example: '10.0.0.0/8,fd00::/8',
  }),
  DATABASE_URL: url('postgres:', 'postgresql:').optional().meta({
    group: 'Database',
    description: 'PostgreSQL 15 or newer; the embedded one when absent',
    secret: true,
    example: 'postgresql://user:password@localhost:5432/flowplane',
  }),
  DATABASE_POOL: wholeNumber(2, 1_000)
    .default(20)
    .meta({ group: 'Database', description: 'Connections for requests at most; the engine has four of its own' }),
  REDIS_URL: url('redis:', 'rediss:').optional().meta({
    group: 'Redis',
    description: 'Carries work and news between processes; PostgreSQL does when absent',
    secret: true,
    example: 'redis://localhost:6379/1',
  }),
  SECRET_KEY: z
    .string()
    .min(32, { error: 'at least 32 characters, e.g. from: openssl rand -base64 48', abort: true })
    .refine((value) => weaknessOf(value) === undefined, {
      error: ({ input }) =>
        `one that cannot be guessed, e.g. from: openssl rand -base64 48; this one ${weaknessOf(String(input))}`,
    })
    .optional()
    .meta({
      group: 'Security',
      description: 'The master key, 32 characters or more; generated into DATA_DIR in development',
      secret: true,
    }),
  CORS_ORIGINS: origins.default(['http://localhost:3000']).meta({
    group: 'Security',
    description: 'Origins whose pages may use the API, also with the session cookie, as a JSON list; [] for none',
    example: '["http://localhost:3000"]',
  }),
  SECRET_KEY_PREVIOUS: z.string().min(32, { error: 'at least 32 characters' }).optional().meta({
    group: 'Security',
    description: 'The SECRET_KEY before this one: what it encrypted is read, and re-encrypted with SECRET_KEY',
    secret: true,
  }),
  OWNER_EMAIL: z
    .email({ error: 'an email address' })
    .default('owner@example.com')
    .meta({ group: 'Security', description: 'The account that the first start creates' }),
  OWNER_PASSWORD: z
    .string()
    .min(10, { error: 'at least 10 characters' })
    .max(256, { error: 'at most 256 characters' })
    .optional()
    .meta({
      group: 'Security',
      description: 'Its password; a random one is printed once when absent',
      secret: true,
    }),
  CREDENTIAL_REFERENCES: references.default([]).meta({
    group: 'Security',
    description: 'Secrets that credentials may name instead of holding them, each with the host it may be sent to',
    example:
      'env:SHOP_TOKEN@api.shop.example,aws-sm:arn:aws:secretsmanager:us-east-1:123456789012:secret:crm-AbCdEf@*.crm.example',
  }),
  EGRESS_ALLOW_PRIVATE: hosts.default([]).meta({
    group: 'Security',
    description: 'Private hosts, addresses and ranges that workflows may call, separated by commas',
    example: '10.0.0.0/8,internal.example',
  }),
  JWT_ROTATION_DAYS: wholeNumber(1, 3_650)
    .default(90)
    .meta({ group: 'Security', description: 'Days after which another key signs access tokens' }),
  GUESTS: oneOf(['on', 'off']).default('off').meta({
    group: 'Security',
    description:
      'on: people may work without an account for a time, within a quota; whoever reaches this instance may then run workflows on it',
  }),
  GUEST_DAYS: wholeNumber(1, 365)
    .default(7)
    .meta({ group: 'Security', description: 'Days after which a guest goes, with everything of theirs' }),
  GITHUB_CLIENT_ID: text.max(200, { error: 'at most 200 characters' }).optional().meta({
    group: 'Sign-in',
    description: 'Of the OAuth app by which people sign in with GitHub; with GITHUB_CLIENT_SECRET',
    example: 'Iv1.8a61f9b3a7aba766',
  }),
  GITHUB_CLIENT_SECRET: text.optional().meta({
    group: 'Sign-in',
    description: 'The secret of that OAuth app',
    secret: true,
    example: 'secret-of-the-oauth-app',
  }),
  GITHUB_AUTHORIZE_URL: url('http:', 'https:').default('https://github.com/login/oauth/authorize').meta({
    group: 'Sign-in',
    description: 'Where GitHub asks people; these three are others for a GitHub Enterprise Server',
  }),
  GITHUB_TOKEN_URL: url('http:', 'https:')
    .default('https://github.com/login/oauth/access_token')
    .meta({ group: 'Sign-in', description: 'Where GitHub exchanges codes' }),
  GITHUB_API_URL: url('http:', 'https:')
    .default('https://api.github.com')
    .meta({ group: 'Sign-in', description: 'Where GitHub says who somebody is' }),
  OIDC_ISSUER: issuer.optional().meta({
    group: 'Sign-in',
    description: 'An issuer of OpenID Connect by which people sign in; with OIDC_CLIENT_ID',
    example: 'https://id.example.com',
  }),
  OIDC_CLIENT_ID: text
    .max(500, { error: 'at most 500 characters' })
    .optional()
    .meta({ group: 'Sign-in', description: 'What this instance is called there', example: 'flowplane' }),
  OIDC_CLIENT_SECRET: text
    .optional()
    .meta({ group: 'Sign-in', description: 'Its secret there, unless it is a public client', secret: true }),
  OIDC_SCOPES: scopes
    .default(['openid', 'email', 'profile'])
    .meta({ group: 'Sign-in', description: 'What is asked for there', example: 'openid email profile' }),
  OIDC_NAME: text
    .max(50, { error: 'at most 50 characters' })
    .default('OpenID Connect')
    .meta({ group: 'Sign-in', description: 'What people know it as', example: 'Example Inc.' }),
  CLERK_FRONTEND_URL: issuer.optional().meta({
    group: 'Sign-in',
    description: 'The Frontend API of Clerk, whose session tokens then sign in; see CORS_ORIGINS for whose pages',
    example: 'https://clerk.example.com',
  }),
  CLERK_SECRET_KEY: text.optional().meta({
    group: 'Sign-in',
    description: 'Asks Clerk for the email of somebody whose token does not have it; without it they have none here',
    secret: true,
  }),
  CLERK_API_URL: url('http:', 'https:')
    .default('https://api.clerk.com')
    .meta({ group: 'Sign-in', description: 'The Backend API of Clerk, for CLERK_SECRET_KEY' }),
  RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000).default(100).meta({
    group: 'Limits',
    description:
      'Calls per minute from one address without signing in, and ten times as many of one webhook; 0 turns all limits off',
  }),
  RATE_LIMIT_OFF_IN_PRODUCTION: oneOf(['yes', 'no'])
    .default('no')
    .meta({ group: 'Limits', description: 'yes: RATE_LIMIT_PER_MINUTE may be 0 in production' }),
  SMTP_HOST: text.optional().meta({
    group: 'Mail',
    description: 'The server that takes our mails; without one they are not sent, and in development logged',
    example: 'smtp.example.com',
  }),
  SMTP_PORT: wholeNumber(1, 65_535).default(587).meta({ group: 'Mail', description: 'The port of SMTP_HOST' }),
  SMTP_SECURITY: oneOf(['starttls', 'tls', 'none'])
    .default('starttls')
    .meta({ group: 'Mail', description: 'How the connection is secured; tls is usual on port 465' }),
  SMTP_USER: text
    .optional()
    .meta({ group: 'Mail', description: 'Whom to sign in as; nobody when absent', example: 'me' }),
  SMTP_PASSWORD: text.optional().meta({ group: 'Mail', description: 'The password of SMTP_USER', secret: true }),
  MAIL_FROM: text.max(300, { error: 'at most 300 characters' }).optional().meta({
    group: 'Mail',
    description: 'The sender of our mails, needed with SMTP_HOST',
    example: 'Flowplane <no-reply@example.com>',
  }),
  USE_DB_SECRETS: oneOf(['true', 'false'])
    .default('true')
    .transform((value) => value === 'true')
    .meta({
      group: 'AWS',
      description:
        'Where new values of credentials are kept: encrypted in the database, or false: in AWS Secrets Manager',
    }),
  AWS_REGION: text
    .regex(/^[a-z0-9-]{1,50}$/, { error: 'the name of a region such as us-east-1' })
    .default('us-east-1')
    .meta({ group: 'AWS', description: 'The region of AWS Secrets Manager and of WORKFLOW_QUEUE_URL' }),
  WORKFLOW_QUEUE_URL: queueUrl.optional().meta({
    group: 'AWS',
    description:
      'A queue of Amazon SQS, standard or FIFO, that carries work between processes; REDIS_URL does not then',
    example: 'https://sqs.us-east-1.amazonaws.com/123456789012/flowplane',
  }),
  SQS_ENDPOINT_URL: url('http:', 'https:').optional().meta({
    group: 'AWS',
    description: 'Where Amazon SQS answers, when that is not at WORKFLOW_QUEUE_URL',
    example: 'http://localhost:4566',
  }),
  SECRETS_MANAGER_ENDPOINT_URL: url('http:', 'https:').optional().meta({
    group: 'AWS',
    description: 'Where AWS Secrets Manager answers, when that is not the region’s own address',
    example: 'http://localhost:4566',
  }),
  DOCS_TITLE: text
    .default('Flowplane')
    .meta({ group: 'API docs', description: 'The name of the API in /docs, /redoc and /openapi.json' }),
  DOCS_DESCRIPTION: text.default('The typed backend for workflow automation and AI agents.').meta({
    group: 'API docs',
    description: 'What is said about it there, as Markdown',
  }),
  DOCS_LOGO_URL: url('http:', 'https:').optional().meta({
    group: 'API docs',
    description: 'An image above the pages',
    example: 'https://example.com/logo.svg',
  }),
  DOCS_COLOR: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, { error: 'a colour such as #1e40af' })
    .optional()
    .meta({ group: 'API docs', description: 'The main colour of the pages', example: '#1e40af' }),
  DOCS_CONTACT: emailOrUrl.optional().meta({
    group: 'API docs',
    description: 'Whom to ask: an email address or a web page; PUBLIC_URL when absent',
    example: 'api@example.com',
  }),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ group: 'Logging', description: 'The least level that is logged' }),
  LOG_FORMAT: oneOf(['pretty', 'json'])
    .optional()
    .meta({ group: 'Logging', description: 'When absent: pretty on a terminal, json elsewhere' }),
});

export type Settings = z.output<typeof settings>;

const meta = z.object({
  group: z.string(),
  description: z.string(),
  example: z.string().optional(),
  /** Its value may hold a password and is never shown. */
  secret: z.boolean().default(false),
});

/** What a setting's declaration says about it. */
export function about(name: keyof typeof settings.shape) {
  return meta.parse(settings.shape[name].meta());
}

export function isSetting(name: string): name is keyof typeof settings.shape {
  return Object.hasOwn(settings.shape, name);
}
