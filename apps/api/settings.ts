import { parseAllowList } from '@flowplane/egress/allow-list';
import { z } from 'zod';

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
  API_HOST: text.default('0.0.0.0').meta({ group: 'Server', description: 'The address to listen on' }),
  API_PORT: wholeNumber(1, 65_535).default(8000).meta({ group: 'Server', description: 'The port to listen on' }),
  PUBLIC_URL: url('http:', 'https:').optional().meta({
    group: 'Server',
    description: 'Where people reach this instance, when that is not http://localhost:<API_PORT>',
    example: 'https://flowplane.example.com',
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
    description: 'Carries work between processes; PostgreSQL does when absent',
    secret: true,
    example: 'redis://localhost:6379/1',
  }),
  SECRET_KEY: z
    .string()
    .min(32, { error: 'at least 32 characters, e.g. from: openssl rand -base64 48' })
    .optional()
    .meta({
      group: 'Security',
      description: 'The master key, 32 characters or more; generated into DATA_DIR in development',
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
  EGRESS_ALLOW_PRIVATE: hosts.default([]).meta({
    group: 'Security',
    description: 'Private hosts, addresses and ranges that workflows may call, separated by commas',
    example: '10.0.0.0/8,internal.example',
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
