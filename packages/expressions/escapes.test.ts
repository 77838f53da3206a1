import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { evaluate } from './evaluate.ts';
import type { Json } from './json.ts';
import { createSandbox } from './sandbox.ts';
import type { Scope } from './scope.ts';
import { compileTemplate } from './template.ts';
import { ESCAPES } from './testing/escapes.ts';

const MARKER = 'canary-7d1f-must-never-be-seen';
const canary = { hit: false, marker: MARKER };
Object.assign(globalThis, { __flowplaneCanary: canary });
vi.stubEnv('FLOWPLANE_CANARY', MARKER);
process.chdir(mkdtempSync(join(tmpdir(), 'escapes-')));

const sandbox = createSandbox({ expressionTimeoutMs: 500, codeTimeoutMs: 500 });
afterAll(() => sandbox.close());

const scope: Scope = {
  input: {
    name: 'x',
    list: ['constructor', 'constructor', '__proto__'],
    path: { a: 1 },
    evil: JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
  },
  nodes: JSON.parse('{"__proto__":{"polluted":1},"n":1}'),
  vars: {},
  run: {},
};

/** What came out, as text; an error counts as an answer. */
async function answer(work: () => Promise<Json> | Json): Promise<string> {
  try {
    return JSON.stringify(await work());
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

function expectUntouched(shown: string): void {
  expect(shown).not.toContain(MARKER);
  expect(shown).not.toMatch(/"(object|function)(object|function|undefined)?"/);
  expect(canary.hit).toBe(false);
  expect(existsSync('canary')).toBe(false);
  const plain: { polluted?: unknown } = {};
  expect(plain.polluted).toBeUndefined();
  expect('polluted' in globalThis).toBe(false);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect([1].map((n) => n + 1)).toEqual([2]);
}

test('there are at least 60 escape attempts', () => {
  expect(new Set(ESCAPES).size).toBeGreaterThanOrEqual(60);
});

test.each(ESCAPES)('threat 38: an expression cannot reach the host: %s', async (attempt) => {
  for (const template of [`{{ ${attempt} }}`, `a {{ ${attempt} }} b`]) {
    expectUntouched(await answer(() => evaluate(compileTemplate(template), scope, { sandbox })));
  }
});

test.each(ESCAPES)('threat 38: a code body cannot reach the host: %s', async (attempt) => {
  for (const code of [`return (${attempt})`, `return await (async () => (${attempt}))()`, attempt]) {
    expectUntouched(await answer(async () => (await sandbox.run(code, scope)).value));
  }
});

test('the fast lane never evaluates a name that leads to a prototype', () => {
  for (const name of ['constructor', '__proto__', 'prototype', 'toString', '__defineGetter__']) {
    for (const source of [
      `input.${name}`,
      `input['${name}']`,
      `input?.${name}`,
      `input.list.${name}`,
      `'a'.${name}`,
      `(1).${name}`,
    ]) {
      const [expression] = compileTemplate(`{{ ${source} }}`).expressions;
      expect(() => expression?.fast?.(scope), source).toThrow('left to the sandbox');
    }
  }
});

test('threat 38: two calls share no globals and no prototypes', async () => {
  await sandbox.run('globalThis.left = 1; Array.prototype.left = 1; JSON.stringify = () => "forged"', scope);
  await sandbox.evaluate(['(globalThis.left = 1, Object.prototype.left = 1)'], scope);
  const seen = await sandbox.evaluate(['typeof left', '[].left', '({}).left', '[JSON.stringify(1)]'], scope);
  expect(seen).toEqual(['undefined', null, null, ['1']]);
});

test('an expression cannot change the data for another one of the same template', async () => {
  const template = compileTemplate(['{{ input.list.splice(0).length }}', '{{ (() => input.list.length)() }}']);
  expect(await evaluate(template, scope, { sandbox })).toEqual([3, 3]);
});
