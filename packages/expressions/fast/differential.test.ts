import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Json } from '../json.ts';
import { createSandbox } from '../sandbox.ts';
import type { Scope } from '../scope.ts';
import { compileTemplate } from '../template.ts';
import { anyScope, expressionSource } from '../testing/expression-arbitrary.ts';
import { startFuel } from './fuel.ts';
import { inheritedNames } from './property.ts';
import { Failure } from './signals.ts';

const sandbox = createSandbox({ expressionTimeoutMs: 10_000 });
afterAll(() => sandbox.close());

type Result = { v?: Json; e?: string };

/** What the fast lane says, or undefined when it leaves the expression to the sandbox. */
function fast(source: string, scope: Scope): Result | undefined {
  const [expression] = compileTemplate(`{{ ${source} }}`).expressions;
  if (!expression?.fast) return undefined;
  startFuel();
  try {
    return { v: expression.fast(scope) };
  } catch (error) {
    return error instanceof Failure ? { e: error.message } : undefined;
  }
}

test('the fast lane and QuickJS agree on every expression the fast lane evaluates: same value, or both throw', async () => {
  let compared = 0;
  let left = 0;
  const property = fc.asyncProperty(
    fc.array(expressionSource, { minLength: 40, maxLength: 40 }),
    anyScope,
    async (sources, scope) => {
      const mine = sources.map((source) => fast(source, scope));
      const tried = sources.flatMap((source, place) => (mine[place] ? [{ source, result: mine[place] }] : []));
      const guarded = tried.map(
        ({ source }) => `(() => { try { return { v: (${source}) }; } catch (e) { return { e: 'threw' }; } })()`,
      );
      const theirs = await sandbox.evaluate(guarded, scope);
      compared += tried.length;
      left += sources.length - tried.length;
      for (const [place, { source, result }] of tried.entries()) {
        const { v = null, e } = theirs[place] as { v?: Json; e?: string };
        const shown = e === undefined ? JSON.stringify(v) : 'threw';
        expect({ source, is: result.e === undefined ? JSON.stringify(result.v) : 'threw' }).toEqual({
          source,
          is: shown,
        });
      }
    },
  );
  // A failure prints the seed and the path that repeat it.
  await fc.assert(property, { numRuns: 150 });
  console.log(`compared ${compared} expressions, ${left} were the sandbox's`);
  expect(compared).toBeGreaterThan(2000);
}, 60_000);

test('no prototype in QuickJS has a name that the fast lane would take for a missing property', async () => {
  const values: Json[] = ['', 0, [], {}, true];
  const found = await sandbox.evaluate(
    ['String', 'Number', 'Array', 'Object', 'Boolean'].map((name) => `Object.getOwnPropertyNames(${name}.prototype)`),
    { input: null, nodes: {}, vars: {}, run: {} },
  );
  for (const [place, names] of found.entries()) {
    const known = inheritedNames(values[place]);
    expect((names as string[]).filter((name) => name !== 'length' && !known.has(name))).toEqual([]);
  }
});
