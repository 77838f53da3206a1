import { expect, test } from 'vitest';
import { type Read, readSettings } from './read-settings.ts';
import { about, isSetting, settings } from './settings.ts';

function mistakesOf(read: Read): string[] {
  return 'mistakes' in read ? read.mistakes : [];
}

function settingsOf(read: Read) {
  if ('mistakes' in read) throw new Error(read.mistakes.join('\n'));
  return read.settings;
}

const strongKey = 'gravel unlock tinsel marvel octane plunge';

test('without any setting everything has a default that works', () => {
  expect(settingsOf(readSettings({}, {}))).toMatchObject({
    ENVIRONMENT: 'development',
    ROLE: 'all',
    API_HOST: '0.0.0.0',
    API_PORT: 8000,
    DATA_DIR: '.flowplane',
    EGRESS_ALLOW_PRIVATE: [],
  });
});

test('the environment wins over .env, and what is empty counts as absent', () => {
  expect(settingsOf(readSettings({ API_PORT: '9001' }, { API_PORT: '9000' })).API_PORT).toBe(9001);
  expect(settingsOf(readSettings({}, { API_PORT: '9000' })).API_PORT).toBe(9000);
  expect(settingsOf(readSettings({ API_PORT: '' }, {})).API_PORT).toBe(8000);
  expect(
    settingsOf(readSettings({ EGRESS_ALLOW_PRIVATE: ' 10.0.0.0/8 , a.example,' }, {})).EGRESS_ALLOW_PRIVATE,
  ).toEqual(['10.0.0.0/8', 'a.example']);
});

test('origins are a JSON list, which may be empty', () => {
  expect(settingsOf(readSettings({}, {})).CORS_ORIGINS).toEqual(['http://localhost:3000']);
  expect(settingsOf(readSettings({ CORS_ORIGINS: '[]' }, {})).CORS_ORIGINS).toEqual([]);
  const two = ['https://a.example', 'http://[::1]:8080'];
  expect(settingsOf(readSettings({ CORS_ORIGINS: JSON.stringify(two) }, {})).CORS_ORIGINS).toEqual(two);
});

test.each([
  ['API_PORT', '80a', '"80a"', 'a whole number from 1 to 65535'],
  ['API_PORT', '0', '"0"', 'a whole number from 1 to 65535'],
  ['API_PORT', '65536', '"65536"', 'a whole number from 1 to 65535'],
  ['API_PORT', '-1', '"-1"', 'a whole number from 1 to 65535'],
  ['ENVIRONMENT', 'prod', '"prod"', 'development or production'],
  ['ROLE', 'ALL', '"ALL"', 'all, api or worker'],
  ['LOG_LEVEL', 'verbose', '"verbose"', 'debug, info, warn or error'],
  ['PUBLIC_URL', 'flowplane.example.com', '"flowplane.example.com"', 'a URL that starts with http:// or https://'],
  ['DATABASE_URL', 'mysql://me:hunter22@db/x', '24 characters', 'a URL that starts with postgres:// or postgresql://'],
  ['REDIS_URL', 'localhost:6379', '14 characters', 'a URL that starts with redis:// or rediss://'],
  ['SECRET_KEY', 'hunter22', '8 characters', 'at least 32 characters'],
  ['OWNER_PASSWORD', 'hunter22', '8 characters', 'at least 10 characters'],
  ['OWNER_EMAIL', 'nobody', '"nobody"', 'an email address'],
  ['EGRESS_ALLOW_PRIVATE', '10/8', '"10/8"', 'CIDR ranges such as 10.0.0.0/8'],
  ['SECRET_KEY_PREVIOUS', 'hunter22', '8 characters', 'at least 32 characters'],
  ['USE_DB_SECRETS', 'no', '"no"', 'true or false'],
  ['AUDIT_RETENTION_DAYS', '7', '"7"', '0, or a whole number from 30 to 3650'],
  ['AWS_REGION', 'Europe', '"Europe"', 'the name of a region'],
  ['WORKFLOW_QUEUE_URL', 'flowplane', '"flowplane"', 'the URL of a queue such as https://sqs'],
  ['WORKFLOW_QUEUE_URL', 'https://sqs.example/', '"https://sqs.example/"', 'the URL of a queue'],
  ['WORKFLOW_QUEUE_URL', 'http://localhost:4566/0/a.b', '"http://localhost:4566/0/a.b"', 'no dot or ends in .fifo'],
  ['SQS_ENDPOINT_URL', 'localhost:4566', '"localhost:4566"', 'a URL that starts with http:// or https://'],
  ['CREDENTIAL_REFERENCES', 'SHOP_TOKEN', '"SHOP_TOKEN"', 'env:NAME@host or aws-sm:<ARN>@host'],
  ['CORS_ORIGINS', 'https://a.example', '"https://a.example"', 'a JSON list of origins'],
  ['CORS_ORIGINS', '["*"]', String.raw`"[\"*\"]"`, 'no path and no *'],
  ['CORS_ORIGINS', '["null"]', String.raw`"[\"null\"]"`, 'a JSON list of origins'],
  ['CORS_ORIGINS', '["https://a.example/"]', String.raw`"[\"https://a.example/\"]"`, 'no path'],
  ['CORS_ORIGINS', '["file:///a"]', String.raw`"[\"file:///a\"]"`, 'a JSON list of origins'],
])('%s=%s is one line: the name, what was given and what is accepted', (name, value, given, accepted) => {
  const mistakes = mistakesOf(readSettings({ [name]: value }, {}));
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toContain(`${name} is ${given}, but must be `);
  expect(mistakes[0]).toContain(accepted);
  expect(mistakes[0]).not.toContain('hunter22');
});

test('credentials may name variables of the environment, but none of the settings', () => {
  const read = (value: string) => readSettings({ CREDENTIAL_REFERENCES: value }, {});
  expect(settingsOf(read('env:A@a.example, env:A@*.a.example')).CREDENTIAL_REFERENCES).toHaveLength(2);
  for (const name of ['SECRET_KEY', 'DATABASE_URL', 'API_PORT']) {
    expect(mistakesOf(read(`env:A@a.example,env:${name}@a.example`))).toEqual([
      `CREDENTIAL_REFERENCES names ${name}, but must name no setting of Flowplane`,
    ]);
  }
});

test('all mistakes are told at once, each on its line', () => {
  const mistakes = mistakesOf(readSettings({ API_PORT: 'a', ROLE: 'b\nc' }, { LOG_LEVEL: 'd', NONSENSE: 'e' }));
  expect(mistakes).toHaveLength(4);
  expect(mistakes.filter((line) => line.includes('\n'))).toEqual([]);
});

test.each([
  ['API_PROT', 'API_PORT'],
  ['DATABSE_URL', 'DATABASE_URL'],
  ['api_port', 'API_PORT'],
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['SECRET', 'SECRET_KEY'],
])('%s in .env is refused with the suggestion %s, without its value', (name, meant) => {
  expect(mistakesOf(readSettings({}, { [name]: 'hunter22' }))).toEqual([
    `${name} in .env is not a setting; did you mean ${meant}?`,
  ]);
});

test('a name in .env that is like no setting is refused too; other programs’ variables are not', () => {
  expect(mistakesOf(readSettings({}, { STRIPE_KEY: 'x' }))[0]).toContain('.env.example lists them all');
  expect(mistakesOf(readSettings({ STRIPE_KEY: 'x', PATH: '/bin', API_PROT: '1' }, {}))).toEqual([]);
});

test('production needs a master key of its own', () => {
  expect(mistakesOf(readSettings({ ENVIRONMENT: 'production' }, {}))[0]).toContain('SECRET_KEY is not set');
  expect(mistakesOf(readSettings({ ENVIRONMENT: 'production', SECRET_KEY: strongKey }, {}))).toEqual([]);
});

test('a master key that can be guessed is refused, and not shown', () => {
  const mistakes = mistakesOf(readSettings({ SECRET_KEY: 'changeme-changeme-please-changeme-now' }, {}));
  expect(mistakes).toEqual([
    'SECRET_KEY is 37 characters, but must be one that cannot be guessed, e.g. from: openssl rand -base64 48; this one is a placeholder',
  ]);
  // Who has one gets away from it.
  const old = { SECRET_KEY: strongKey, SECRET_KEY_PREVIOUS: 'k'.repeat(32) };
  expect(mistakesOf(readSettings(old, {}))).toEqual([]);
});

test('a queue of AWS is in the region that is set', () => {
  const read = (url: string, region: string) => readSettings({ WORKFLOW_QUEUE_URL: url, AWS_REGION: region }, {});
  const queue = 'https://sqs.eu-west-1.amazonaws.com/123456789012/flowplane.fifo';
  expect(mistakesOf(read(queue, ''))).toEqual([
    'AWS_REGION is "us-east-1", but must be eu-west-1, the region of WORKFLOW_QUEUE_URL',
  ]);
  expect(settingsOf(read(queue, 'eu-west-1')).WORKFLOW_QUEUE_URL).toBe(queue);
  expect(mistakesOf(read('http://localhost:4566/000000000000/flowplane', 'eu-west-1'))).toEqual([]);
});

test('a mail server needs a sender', () => {
  expect(mistakesOf(readSettings({ SMTP_HOST: 'smtp.example.com' }, {}))[0]).toContain('MAIL_FROM is not set');
  expect(mistakesOf(readSettings({ SMTP_HOST: 'smtp.example.com', MAIL_FROM: 'a@example.com' }, {}))).toEqual([]);
});

test('every setting says what it is for, and those that may hold a password say so', () => {
  const names = Object.keys(settings.shape).filter(isSetting);
  for (const name of names) expect(about(name).description.length, name).toBeGreaterThan(10);
  const secret = names.filter((name) => about(name).secret);
  expect(secret).toEqual(names.filter((name) => /KEY|PASSWORD|SECRET(?!S)|DATABASE_URL|REDIS_URL/.test(name)));
});

test('limits can only be turned off in production by saying so twice', () => {
  const production = { ENVIRONMENT: 'production', SECRET_KEY: strongKey, RATE_LIMIT_PER_MINUTE: '0' };
  expect(mistakesOf(readSettings(production, {}))).toEqual([
    'RATE_LIMIT_PER_MINUTE is "0", but must be at least 1 in production, or RATE_LIMIT_OFF_IN_PRODUCTION must be yes',
  ]);
  for (const more of [{ RATE_LIMIT_OFF_IN_PRODUCTION: 'yes' }, { RATE_LIMIT_PER_MINUTE: '1' }, { ENVIRONMENT: '' }]) {
    expect(mistakesOf(readSettings({ ...production, ...more }, {}))).toEqual([]);
  }
  expect(settingsOf(readSettings({}, {})).RATE_LIMIT_PER_MINUTE).toBe(100);
});

test('trusted proxies are addresses and ranges', () => {
  const read = (value: string) => readSettings({ TRUSTED_PROXIES: value }, {});
  expect(settingsOf(read('10.0.0.0/8, 127.0.0.1,fd00::/8, ::1 ')).TRUSTED_PROXIES).toEqual([
    '10.0.0.0/8',
    '127.0.0.1',
    'fd00::/8',
    '::1',
  ]);
  for (const value of [
    '*',
    'true',
    '1',
    'proxy.example',
    '10.0.0.0/33',
    '10.0.0.0/',
    '::1/129',
    '10.0.0.0/8/8',
    '10.0.0',
  ]) {
    expect(mistakesOf(read(value)), value).toHaveLength(1);
  }
});

test('settings of sign-in that are worth nothing alone say what is missing', () => {
  expect(mistakesOf(readSettings({ GITHUB_CLIENT_ID: 'id' }, {}))).toEqual([
    'GITHUB_CLIENT_SECRET is not set, but must be when GITHUB_CLIENT_ID is',
  ]);
  expect(mistakesOf(readSettings({ OIDC_ISSUER: 'https://id.example.com' }, {}))).toEqual([
    'OIDC_CLIENT_ID is not set, but must be when OIDC_ISSUER is',
  ]);
  expect(mistakesOf(readSettings({ CLERK_SECRET_KEY: 'sk_test' }, {}))).toEqual([
    'CLERK_FRONTEND_URL is not set, but must be when CLERK_SECRET_KEY is',
  ]);
  expect(mistakesOf(readSettings({ CLERK_FRONTEND_URL: 'https://clerk.example.com/?a=b' }, {}))).toEqual([
    'CLERK_FRONTEND_URL is "https://clerk.example.com/?a=b", but must be a URL such as https://id.example.com, without a query',
  ]);
  const scopes = { OIDC_SCOPES: 'email profile' };
  expect(mistakesOf(readSettings(scopes, {}))).toEqual([
    'OIDC_SCOPES is "email profile", but must be scopes separated by spaces, with openid among them',
  ]);
  expect(settingsOf(readSettings({ OIDC_SCOPES: 'openid email' }, {})).OIDC_SCOPES).toEqual(['openid', 'email']);
});
