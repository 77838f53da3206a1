import { limits } from '@flowplane/contract/limits';
import { expect, test } from 'vitest';
import { holdOutput, holdRestored, holdResult, letGo } from './held-results.ts';

const text = 'x'.repeat(limits.valueBytes);

test('an execution holds results up to a bound, and refuses the one past it with a typed error', () => {
  const run = { heldChars: 0 };
  const frame = { heldChars: 0 };
  for (let held = 0; held < limits.heldResults; held += text.length) holdOutput(run, frame, text);
  expect(() => holdOutput(run, frame, 'x')).toThrow(expect.objectContaining({ code: 'execution_too_large' }));
  expect(run.heldChars).toBe(limits.heldResults);
});

test('what was of one item only is let go when the item is through', () => {
  const run = { heldChars: 0 };
  const [around, item] = [{ heldChars: 0 }, { heldChars: 0 }];
  expect(holdResult(run, around, 10)).toBeUndefined();
  holdOutput(run, item, text);
  letGo(run, item);
  expect([run.heldChars, item.heldChars, around.heldChars]).toEqual([10, 0, 10]);
});

test('what an earlier lease has left counts, also when it is more than may be held by now', () => {
  const run = { heldChars: limits.heldResults - 5 };
  holdRestored(run, { heldChars: 0 }, 'a longer text');
  expect(run.heldChars).toBeGreaterThan(limits.heldResults);
  expect(holdResult(run, { heldChars: 0 }, 1)).toMatchObject({ code: 'execution_too_large' });
});
