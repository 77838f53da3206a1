import { type Expression, type Options, parse, parseExpressionAt, tokenizer } from 'acorn';
import { CODE_NAMES } from './scope.ts';

/** Modules are strict and know no HTML comments, like the functions the sandbox wraps around expressions. */
const OPTIONS: Options = {
  ecmaVersion: 2023,
  sourceType: 'module',
  allowAwaitOutsideFunction: false,
  // Without it `(a)` would end before its parenthesis.
  preserveParens: true,
};

/** A mistake at `offset` of the text that was parsed. */
export type Mistake = { message: string; offset: number };

/**
 * Parses the expression that starts at `start` of `text` and is followed by `}}`.
 *
 * The parser decides where it ends, so braces inside strings, templates, regular expressions and object literals are no end.
 */
export function parseExpression(text: string, start: number): { expression: Expression; end: number } | Mistake {
  try {
    const expression = parseExpressionAt(text, start, OPTIONS);
    const end = closingBraces(text, expression.end);
    return typeof end === 'number' ? { expression, end } : end;
  } catch (error) {
    return asMistake(error, start);
  }
}

/** Nearly every expression ends so; making a tokenizer takes as long as parsing one does. */
const plainEnd = /[ \t\r\n]*\}\}/y;

/** Only white space and comments may stand between the expression and the braces. */
function closingBraces(text: string, from: number): number | Mistake {
  plainEnd.lastIndex = from;
  if (plainEnd.test(text)) return plainEnd.lastIndex - 2;
  const token = tokenizer(text.slice(from), OPTIONS).getToken();
  const at = from + token.start;
  if (token.type.label === '}' && text[at + 1] === '}') return at;
  if (token.type.label === 'eof')
    return { message: 'The expression is not closed: "}}" is missing', offset: text.length };
  return { message: `Unexpected "${text.slice(at, at + 20)}" after the expression, "}}" expected`, offset: at };
}

/** The start of the function that a code body is the body of; also what the sandbox wraps around it. */
export const CODE_HEAD = `(async (${CODE_NAMES.join(', ')}) => {"use strict";\n`;
export const CODE_TAIL = '\n})';

/** Parses a function body (`return` and `await` allowed). */
export function parseCode(code: string): { expression: Expression } | Mistake {
  const outside = { message: 'Unexpected "}": it closes more than was opened', offset: code.length };
  try {
    const program = parse(CODE_HEAD + code + CODE_TAIL, { ...OPTIONS, sourceType: 'script', preserveParens: false });
    const statement = program.body[0];
    if (program.body.length !== 1 || statement?.type !== 'ExpressionStatement') return outside;
    const { expression } = statement;
    return expression.type === 'ArrowFunctionExpression' ? { expression } : outside;
  } catch (error) {
    const { message, offset } = asMistake(error, 0);
    return { message, offset: Math.min(Math.max(offset - CODE_HEAD.length, 0), code.length) };
  }
}

function asMistake(error: unknown, start: number): Mistake {
  if (error instanceof SyntaxError) {
    const offset = 'pos' in error && typeof error.pos === 'number' ? error.pos : start;
    return { message: error.message.replace(/ \(\d+:\d+\)$/, ''), offset };
  }
  // The parser is recursive: its stack is the only thing besides syntax that can fail.
  if (error instanceof RangeError) return { message: 'Nested too deeply', offset: start };
  throw error;
}
