import { expect, test } from 'vitest';
import { createSlots } from './slots.ts';

/** Takes as many slots for a team as it gets. */
function fill(slots: ReturnType<typeof createSlots>, teamId: string): number {
  let got = 0;
  while (slots.take(teamId)) got += 1;
  return got;
}

test('a team alone gets nine tenths of the slots, and there are slots for each that comes after it', () => {
  const slots = createSlots(200);
  expect(fill(slots, 'a')).toBe(180);
  expect(slots.sated()).toEqual(['a']);
  expect(slots.take('b')).toBe(true);
  expect(slots.take('c')).toBe(true);
  expect(slots.take('a')).toBe(false);
  expect(slots.common()).toBe(0);
});

test('with fewer than ten slots a team alone gets all', () => {
  for (const total of [1, 2, 9]) expect(fill(createSlots(total), 'a')).toBe(total);
});

test('who has little gets more of what is left than who has much', () => {
  const slots = createSlots(200);
  fill(slots, 'a');
  expect(fill(slots, 'b')).toBe(18);
  for (let given = 0; given < 100; given += 1) slots.give('a');
  expect(fill(slots, 'b')).toBeGreaterThan(70);
});

test('slots of which it is not known yet whose they are count until it is', () => {
  const slots = createSlots(10);
  slots.keep(4);
  slots.assign('a');
  slots.give();
  expect(slots.free()).toBe(7);
  for (let taken = 0; taken < 6; taken += 1) expect(slots.takeUnknown()).toBe(true);
  expect(slots.takeUnknown()).toBe(false);
  expect(slots.free()).toBe(1);
});
