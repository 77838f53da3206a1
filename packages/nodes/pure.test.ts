import type { Json } from '@flowplane/contract/json';
import { expect, test } from 'vitest';
import { delay } from './delay.ts';
import { fail } from './fail.ts';
import { ifNode } from './if.ts';
import { log } from './log.ts';
import { respond } from './respond.ts';
import { switchNode } from './switch.ts';
import { context, failureOf, type Line } from './testing-context.ts';
import { transform } from './transform.ts';

const invalid = (field: RegExp) => ({ code: 'invalid_params', message: expect.stringMatching(field) });

test('transform gives its value as it is, null included', async () => {
  expect(transform.run({ value: { b: [1, null], a: 'x' } }, context())).toEqual({ output: { b: [1, null], a: 'x' } });
  expect(transform.run({ value: null }, context())).toEqual({ output: null });
  expect(await failureOf(transform, {})).toMatchObject({ code: 'invalid_params' });
  expect(await failureOf(transform, { value: 1, extra: 1 })).toMatchObject(invalid(/extra/));
});

test('if goes by the truth of JavaScript, and gives it as a boolean', () => {
  for (const condition of [true, 1, 'false', [], {}]) {
    expect(ifNode.run({ condition }, context())).toEqual({ output: true, port: 'true' });
  }
  for (const condition of [false, 0, '', null]) {
    expect(ifNode.run({ condition }, context())).toEqual({ output: false, port: 'false' });
  }
  expect(ifNode.ports({})).toEqual(['true', 'false']);
});

test('switch takes the first case that equals, deeply, or whose condition holds; else default', async () => {
  const cases: { [key: string]: Json }[] = [
    { port: 'deep', equals: { a: [1, { b: null }] } },
    { port: 'one', equals: 1 },
    { port: 'holds', when: 'yes' },
    { port: 'never', when: true },
  ];
  const run = (value: Parameters<typeof switchNode.run>[0]) =>
    switchNode.run({ value, cases: cases.slice(0, 2) }, context());
  expect(run({ a: [1, { b: null }] })).toEqual({ output: { a: [1, { b: null }] }, port: 'deep' });
  expect(run(1)).toEqual({ output: 1, port: 'one' });
  expect(run('1')).toEqual({ output: '1', port: 'default' });
  expect(switchNode.run({ cases }, context())).toEqual({ output: null, port: 'holds' });
  expect(switchNode.ports({ cases: [...cases, { port: 'one', equals: 2 }] })).toEqual([
    'deep',
    'one',
    'holds',
    'never',
    'default',
  ]);
  expect(await failureOf(switchNode, { cases: [] })).toMatchObject(invalid(/cases/));
  expect(await failureOf(switchNode, { cases: [{ port: 'default', equals: 1 }] })).toMatchObject(invalid(/cases/));
  expect(await failureOf(switchNode, { cases: [{ port: 'a', equals: 1, when: 1 }] })).toMatchObject(invalid(/cases/));
});

test('delay asks for one wait, from now or until a time with a zone', async () => {
  expect(delay.run({ seconds: 1.5 }, context())).toEqual({ output: null, wait: { seconds: 1.5 } });
  expect(delay.run({ until: '2030-01-01T02:00:00+02:00' }, context())).toEqual({
    output: null,
    wait: { until: new Date('2030-01-01T00:00:00Z') },
  });
  const bad: { [key: string]: Json }[] = [
    {},
    { seconds: 1, until: '2030-01-01T00:00:00Z' },
    { seconds: -1 },
    { seconds: 400 * 24 * 3600 },
    { seconds: '1' },
    { until: '2030-01-01T00:00:00' },
    { until: 'tomorrow' },
  ];
  for (const params of bad) expect(await failureOf(delay, params)).toMatchObject({ code: 'invalid_params' });
});

test('fail ends with the author’s code and message', async () => {
  expect(await failureOf(fail, { code: 'out_of_stock', message: 'none left' })).toEqual({
    code: 'out_of_stock',
    message: 'none left',
  });
  expect(await failureOf(fail, {})).toEqual({ code: 'failed', message: '' });
  expect(await failureOf(fail, { code: 'Out Of Stock' })).toMatchObject(invalid(/code.*lower-case/));
});

test('log writes one line', async () => {
  const lines: Line[] = [];
  expect(log.run({ level: 'warn', message: 'careful', data: { a: 1 } }, context({}, lines))).toEqual({ output: null });
  log.run({ message: 'plain' }, context({}, lines));
  expect(lines).toEqual([
    { level: 'warn', message: 'careful', data: { a: 1 } },
    { level: 'info', message: 'plain', data: null },
  ]);
  expect(await failureOf(log, { message: 'x'.repeat(10_000) })).toMatchObject(invalid(/message/));
  expect(await failureOf(log, { message: 'x', level: 'fatal' })).toMatchObject(invalid(/level/));
});

test('respond gives its answer to the caller, and refuses headers that frame or forge one', async () => {
  const answer = { status: 201, headers: { Location: '/orders/1' }, body: { ok: true } };
  expect(respond.run(answer, context())).toEqual({ output: answer, respond: answer });
  expect(respond.run({}, context())).toMatchObject({ respond: { status: 200, headers: {}, body: null } });
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`x-${index}`, '']));
  const bad = [{ 'Set-Cookie': 'a=b' }, { 'content-length': '1' }, { 'x y': '' }, { x: 'a\r\nb: c' }, { x: 'é' }, many];
  for (const headers of bad) expect(await failureOf(respond, { headers })).toMatchObject(invalid(/headers/));
  for (const status of [199, 600, 200.5]) expect(await failureOf(respond, { status })).toMatchObject(invalid(/status/));
});
