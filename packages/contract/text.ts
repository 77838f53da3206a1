import { z } from 'zod';

/**
 * Whether a text can be stored as it is: PostgreSQL refuses NUL characters, and UTF-8 has no lone surrogates.
 * https://www.postgresql.org/docs/current/datatype-character.html
 */
export function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/** The nearest text that can be stored: what cannot becomes U+FFFD. For text that is cut or comes from a failure. */
export function storable(value: string): string {
  return isStorable(value) ? value : value.replaceAll('\0', '\ufffd').toWellFormed();
}

/** A text of people's, to be stored as it is. */
export const text = z
  .string()
  .refine(isStorable, { error: 'must not have NUL characters or halves of surrogate pairs', abort: true });
