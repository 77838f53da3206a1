import fc from 'fast-check';
import { expect, test } from 'vitest';
import { executionStepsInput } from './execution.ts';
import { cursorOf, idOfCursor, pageInput } from './page.ts';

test('every id comes back from its cursor, and the cursor is one that a list takes', () => {
  fc.assert(
    fc.property(fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 8] }), (id) => {
      expect(idOfCursor(pageInput.parse({ cursor: cursorOf(id) }).cursor ?? '')).toBe(id);
    }),
  );
});

test('threat 11: whatever a list takes for a cursor is a UUID for PostgreSQL; anything else is refused', () => {
  const base64url = fc.string({ unit: fc.constantFrom(...'ABCxyz019-_'), minLength: 22, maxLength: 22 });
  const anything = fc.oneof(base64url, fc.string({ minLength: 20, maxLength: 24 }), fc.string());
  fc.assert(
    fc.property(anything, (cursor) => {
      const { success, data } = pageInput.safeParse({ cursor });
      if (success) expect(idOfCursor(data.cursor ?? '')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    }),
  );
  for (const cursor of ['', 'tampered', `${'A'.repeat(21)}=`, 'A'.repeat(23), `${'A'.repeat(21)}\0`, 5, null, ['a']]) {
    expect(pageInput.safeParse({ cursor }).success, String(cursor)).toBe(false);
  }
});

test('threat 11: a page has 1 to 100 items, 20 when nothing is said', () => {
  expect(pageInput.parse({}).limit).toBe(20);
  for (const limit of [1, 100]) expect(pageInput.parse({ limit }).limit).toBe(limit);
  for (const limit of [0, -1, 101, 1e9, 1.5, Number.NaN, '20']) {
    expect(pageInput.safeParse({ limit }).success, String(limit)).toBe(false);
  }
});

test('positions that PostgreSQL has no integer for are refused', () => {
  const id = '00000000-0000-4000-8000-000000000000';
  expect(executionStepsInput.parse({ id, cursor: '999999999' }).cursor).toBe('999999999');
  for (const cursor of ['2147483648', '999999999999999', '-1', '1e3', '']) {
    expect(executionStepsInput.safeParse({ id, cursor }).success, cursor).toBe(false);
  }
});
