import { z } from 'zod';
import { isExpression, selector } from './selector.ts';

/** The name of a field of the result. */
export const fieldName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
const badName = 'is no name: it must start with a letter and hold only letters, digits, _ and - (64 at most)';

/** What is said of a field whose name is none. */
export function namedBadly({ code }: { code: string }): string | undefined {
  return code === 'invalid_key' ? badName : undefined;
}

/** `groupBy` as it is written. */
export const groupBy = z.union(
  [
    selector,
    z
      .array(
        selector.refine((text) => !isExpression(text), {
          error: 'is an expression; give it a name: {month: "{{ … }}"} instead of a list',
        }),
      )
      .min(1)
      .max(10),
    z
      .record(fieldName, selector, { error: namedBadly })
      .refine((all) => Object.keys(all).length <= 10, { error: 'at most 10 keys' }),
  ],
  { error: 'must be a path or an expression, a list of paths, or an object of names and what they stand for' },
);

/** The fields that a group's key has in the result: a path is called by its last name, a lone expression `key`. */
export function keyFields(given: z.infer<typeof groupBy> | undefined): { name: string; of: string }[] {
  if (given === undefined) return [];
  if (typeof given !== 'string' && !Array.isArray(given)) {
    return Object.entries(given).map(([name, of]) => ({ name, of }));
  }
  return [given].flat().map((of) => ({ name: isExpression(of) ? 'key' : of.slice(of.lastIndexOf('.') + 1), of }));
}
