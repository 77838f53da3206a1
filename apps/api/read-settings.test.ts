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
])('%s=%s is one line: the name, what was given and what is accepted', (name, value, given, accepted) => {
  const mistakes = mistakesOf(readSettings({ [name]: value }, {}));
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toContain(`${name} is ${given}, but must be `);
  expect(mistakes[0]).toContain(accepted);
  expect(mistakes[0]).not.toContain('hunter22');
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
  expect(mistakesOf(readSettings({ ENVIRONMENT: 'production', SECRET_KEY: 'k'.repeat(32) }, {}))).toEqual([]);
});

test('every setting says what it is for, and those that may hold a password say so', () => {
  const names = Object.keys(settings.shape).filter(isSetting);
  for (const name of names) expect(about(name).description.length, name).toBeGreaterThan(10);
  const secret = names.filter((name) => about(name).secret);
  expect(secret).toEqual(names.filter((name) => /KEY|PASSWORD|SECRET|DATABASE_URL|REDIS_URL/.test(name)));
});
