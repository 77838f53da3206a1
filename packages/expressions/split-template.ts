import type { Expression } from 'acorn';
import { MAX_EXPRESSION_CHARS } from './limits.ts';
import { type Mistake, parseExpression } from './parse-expression.ts';

/** A piece of a template string: literal text, or the expression between one pair of `{{ }}`. */
export type Part = string | { source: string; expression: Expression };

/**
 * Cuts a string with `{{ }}` into literal text and expressions.
 *
 * There is no escape: a literal `{{` is written `{{ '{{' }}`.
 */
export function splitTemplate(text: string): { parts: Part[] } | (Mistake & { source: string }) {
  const parts: Part[] = [];
  let from = 0;
  for (;;) {
    const open = text.indexOf('{{', from);
    if (open === -1) break;
    if (open > from) parts.push(text.slice(from, open));
    const start = open + 2;
    const parsed = isEmpty(text, start)
      ? { message: 'The expression between "{{" and "}}" is empty', offset: start }
      : parseExpression(text, start);
    if ('message' in parsed) return { ...parsed, source: unclosedSource(text, start) };
    const source = text.slice(start, parsed.end);
    if (source.length > MAX_EXPRESSION_CHARS) {
      return { message: `The expression is longer than ${MAX_EXPRESSION_CHARS} characters`, offset: start, source };
    }
    parts.push({ source: source.trim(), expression: parsed.expression });
    from = parsed.end + 2;
  }
  if (from < text.length) parts.push(text.slice(from));
  return { parts };
}

function isEmpty(text: string, start: number): boolean {
  return /^\s*\}\}/.test(text.slice(start, start + 100));
}

/** What the writer most likely meant as the expression, for the error message only. */
function unclosedSource(text: string, start: number): string {
  const close = text.indexOf('}}', start);
  return text.slice(start, close === -1 ? undefined : close).trim();
}
