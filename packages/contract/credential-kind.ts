import { z } from 'zod';
import { isStorable } from './text.ts';

/** What a credential adds to a request. Header names are lower case. */
export type RequestParts = { headers: Record<string, string>; query: Record<string, string> };

type Values = Record<string, string | undefined>;

/** A kind of credential. Made by {@link defineKind}. */
export type CredentialKind = {
  title: string;
  description: string;
  values: z.ZodType<Values>;
  /** The fields that must never be shown; only these may stand for a value kept elsewhere. */
  secret: readonly string[];
  /** Whether requests carry it, and so whether it must be bound to hosts. */
  isSent: boolean;
  /** The URLs that its own values name, which must be on its hosts. */
  urls(values: unknown): string[];
  /** What it adds to a request; undefined when requests do not carry its values as they are. @throws z.ZodError */
  request(values: unknown): RequestParts | undefined;
};

/**
 * Defines a kind of credential: one record, one file.
 *
 * @param definition.request what the values add to a request; absent where requests do not carry them as they are.
 * @param definition.urls where the values themselves say that they are sent.
 */
export function defineKind<Schema extends z.ZodType<Values>>(definition: {
  title: string;
  description: string;
  values: Schema;
  secret: readonly (keyof z.output<Schema> & string)[];
  request?: (values: z.output<Schema>) => Partial<RequestParts>;
  urls?: (values: z.output<Schema>) => string[];
}): CredentialKind & { values: Schema } {
  const { title, description, values, secret, request, urls } = definition;
  return {
    title,
    description,
    values,
    secret,
    isSent: request !== undefined || urls !== undefined,
    urls: (raw) => urls?.(values.parse(raw)) ?? [],
    request: (raw) => request && { headers: {}, query: {}, ...request(values.parse(raw)) },
  };
}

/** A secret that is sent in a header: printable ASCII without spaces. https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
export function secretToken(about: { title: string; description: string }) {
  return z
    .string()
    .min(1)
    .max(8_192)
    .regex(/^[\x21-\x7e]+$/, { error: 'must be printable ASCII characters without spaces or line breaks' })
    .meta({ ...about, examples: ['example-3kQ9vT0m7bXc1nZs5dLw8rYp2hJf6gKa'] });
}

/** A text of one line, as it is. */
export function line(about: { title: string; description: string; examples: string[] }, max = 1_024) {
  return z
    .string()
    .min(1)
    .max(max)
    .refine((value) => isStorable(value) && !/\p{Cc}/u.test(value), {
      error: 'must be one line without control characters',
    })
    .meta(about);
}
