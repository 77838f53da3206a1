import { limits } from '@flowplane/contract/limits';
import { expect, test } from 'vitest';
import { slotExecutionId } from './slot-id.ts';
import { lookAgainAt, startPlan, withDue } from './start-plan.ts';

const slot = (minute: number) => new Date(Date.UTC(2026, 4, 1, 12, minute));
const [one, two] = [slot(1), slot(2)];

test('skip starts a slot when nothing is under way, and leaves out what comes while something is', () => {
  expect(startPlan('skip', [one, two], false)).toEqual({ start: one, cancelUnfinished: false, waiting: [two] });
  expect(startPlan('skip', [one, two], true)).toEqual({ start: undefined, cancelUnfinished: false, waiting: [] });
});

test('queue starts one slot after the other, and keeps those that wait', () => {
  expect(startPlan('queue', [one, two], false)).toEqual({ start: one, cancelUnfinished: false, waiting: [two] });
  expect(startPlan('queue', [one, two], true)).toEqual({
    start: undefined,
    cancelUnfinished: false,
    waiting: [one, two],
  });
});

test('cancel-previous starts the latest slot alone, and cancels what is under way', () => {
  expect(startPlan('cancel-previous', [one, two], true)).toEqual({ start: two, cancelUnfinished: true, waiting: [] });
  expect(startPlan('cancel-previous', [], false).start).toBeUndefined();
});

test('of too many that wait the oldest are left out', () => {
  const many = Array.from({ length: limits.waitingFires }, (_, minute) => slot(minute));
  const waiting = withDue(many, [slot(200)]);
  expect(waiting).toHaveLength(limits.waitingFires);
  expect([waiting[0], waiting.at(-1)]).toEqual([slot(1), slot(200)]);
});

test('what waits is looked at at once after a start, and ever less often while it is held up', () => {
  const pause = (ranMs: number) => Number(lookAgainAt(one, new Date(one.getTime() - ranMs))) - one.getTime();
  expect(lookAgainAt(one, undefined)).toEqual(one);
  expect([0, 60_000, 86_400_000].map(pause)).toEqual([200, 6_000, 30_000]);
});

test('a slot’s execution has one id, its own, which sorts by the slot’s time', () => {
  const nightly = { workflowId: 'w', triggerId: 'nightly' };
  const ids = [one, two, slot(3)].map((at) => slotExecutionId(nightly, at));
  expect(ids).toEqual([one, two, slot(3)].map((at) => slotExecutionId(nightly, at)));
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(slotExecutionId({ workflowId: 'w', triggerId: 'other' }, one)).not.toBe(ids[0]);
  expect(slotExecutionId({ workflowId: 'x', triggerId: 'nightly' }, one)).not.toBe(ids[0]);
});
