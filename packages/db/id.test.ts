import { expect, test } from 'vitest';
import { newId } from './id.ts';

test('ids are of version 7, of now, and each is greater than the one before', () => {
  const before = Date.now();
  const ids = Array.from({ length: 20_000 }, newId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  const made = Number.parseInt(ids[0]?.replace('-', '').slice(0, 12) ?? '', 16);
  expect(made).toBeGreaterThanOrEqual(before - 20);
  expect(made).toBeLessThanOrEqual(Date.now() + 20);
});
