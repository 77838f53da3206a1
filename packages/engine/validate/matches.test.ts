import { createSandbox } from '@flowplane/expressions/sandbox';
import { afterAll, expect, test } from 'vitest';
import { matches, matchMistake } from './matches.ts';

const sandbox = createSandbox();
const options = { sandbox, signal: new AbortController().signal };
afterAll(() => sandbox.close());

const event = { event: 'order.created', id: 'e1', data: { total: 210, tags: ['new'] } };

test.each([
  ['{{ event.data.total > 100 }}', true],
  ['{{ event.data.total > 500 }}', false],
  ['{{ event.data.tags.includes("new") }}', true],
  // What only the sandbox can do sees the same.
  ['{{ new Set(event.data.tags).has("new") && new RegExp("^order").test(event.event) }}', true],
  ['{{ event.data.missing }}', false],
  ['{{ event.data.total }}', true],
])('%s is %s', async (match, expected) => {
  expect(await matches(match, event, options)).toBe(expected);
});

test.each(['{{ event.data.customer.name === "ada" }}', '{{ nope.x }}', '{{ (() => { for (;;); })() }}'])(
  '%s fails, which is no match',
  async (match) => {
    expect(await matches(match, event, options)).toBe(false);
  },
);

test('a match that is given up rejects with the reason', async () => {
  const signal = AbortSignal.timeout(50);
  const endless = matches('{{ (() => { for (;;); })() }}', event, { sandbox, signal });
  await expect(endless).rejects.toMatchObject({ name: 'TimeoutError' });
});

test('a match must be exactly one expression that is valid', () => {
  expect(matchMistake('{{ event.data }}')).toBeUndefined();
  for (const match of ['yes', 'is {{ event.data }}', '{{ event.data }} {{ event.id }}']) {
    expect(matchMistake(match)).toContain('exactly one {{ expression }}');
  }
  expect(matchMistake('{{ event. }}')).toBeDefined();
  expect(matchMistake('{{ event')).toBeDefined();
});
