/**
 * A string holds `{{ }}` that is not valid JavaScript, is not closed, or is too long.
 *
 * `path` leads to that string inside the JSON value handed to `compileTemplate`, `offset` is the place of the mistake in that
 * string (UTF-16 units), `expression` the text between the braces (up to the end of the string when it is not closed).
 */
export class ExpressionSyntaxError extends Error {
  readonly path: (string | number)[];
  readonly expression: string;
  readonly offset: number;

  constructor(message: string, place: { path: (string | number)[]; expression: string; offset: number }) {
    super(message);
    this.name = 'ExpressionSyntaxError';
    this.path = place.path;
    this.expression = place.expression;
    this.offset = place.offset;
  }
}

/** Evaluating failed; `expression` is the source of the one that did, where that is known. */
export class ExpressionError extends Error {
  readonly code: 'expression_failed' | 'expression_timeout' | 'expression_memory';
  readonly expression: string | undefined;

  constructor(code: ExpressionError['code'], message: string, expression?: string) {
    super(message);
    this.name = 'ExpressionError';
    this.code = code;
    this.expression = expression;
  }
}

/** A code body threw or never settled, ran too long, took too much memory, or returned too much. */
export class SandboxError extends Error {
  readonly code: 'code_failed' | 'code_timeout' | 'code_memory' | 'code_output';

  constructor(code: SandboxError['code'], message: string) {
    super(message);
    this.name = 'SandboxError';
    this.code = code;
  }
}
