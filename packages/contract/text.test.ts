import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isStorable, storable } from './text.ts';

test('any text can be made storable, and what was storable stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (whole, end) => {
      const cut = whole.slice(0, end);
      expect(isStorable(storable(cut))).toBe(true);
      expect(storable(cut)).toHaveLength(cut.length);
      if (isStorable(cut)) expect(storable(cut)).toBe(cut);
    }),
    {
      examples: [
        ['a\0b', 3],
        ['👍', 1],
        ['\udc00\ud800', 2],
      ],
    },
  );
});
