import { CODE_HEAD, CODE_TAIL } from '../parse-expression.ts';
import { SCOPE_NAMES } from '../scope.ts';
import { CONSOLE, FAILURE } from './guest-parts.ts';

/*
 * The programs that run inside QuickJS, around the user's. They need nothing from the host: text goes in, text comes out, and
 * there is no host function whose reference could leak.
 *
 * `guest(payload)` starts the work; it returns `+` and the result or `-` and the error as JSON text, or undefined while a promise
 * is pending: then `guest()` asks again. The user's code shares the realm and can only ever forge its own outcome.
 *
 * They are parsed at every call, at about 1 µs a token: so there are two, and what is seldom needed is a string until it is.
 */

const START = `(() => {
'use strict';
const { parse, stringify } = JSON, evaluate = eval, Error_ = Error, String_ = String;
let outcome;
const failed = (e, index) => {
  outcome = '-' + evaluate(${JSON.stringify(FAILURE)})(e, index, { stringify, Error_, String_ });
};
const tooMuch = (limit, index) => {
  outcome = '-' + stringify({ reason: 'output', message: 'The result is larger than ' + limit + ' characters of JSON', index });
};
const call = (fn, scope) => {
  const { ${SCOPE_NAMES.join(', ')} } = parse(scope);
  return fn(${SCOPE_NAMES.join(', ')});
};`;

const EXPRESSION_HEAD = `'use strict';(${SCOPE_NAMES.join(',')})=>(`;

/** Evaluates expressions, each on data of its own: one that changes it must not change the others. */
export const EXPRESSION_GUEST = `${START}
return (input) => {
  const { expressions, scope, limit } = parse(input);
  let text = '';
  for (let index = 0; index < expressions.length; index++) {
    try {
      const one = stringify(call(evaluate(${JSON.stringify(EXPRESSION_HEAD)} + expressions[index] + '\\n)'), scope));
      text += (index ? ',' : '') + (one === undefined ? 'null' : one);
    } catch (e) {
      failed(e, index);
      return outcome;
    }
    if (text.length > limit) {
      tooMuch(limit, index);
      return outcome;
    }
  }
  return '+[' + text + ']';
};
})()`;

/** Calls a code body. */
export const CODE_GUEST = `${START}
const lines = evaluate(${JSON.stringify(CONSOLE)})({ stringify, Error_, String_ });
const run = async ({ code, scope, limit }) => {
  try {
    const value = await call(evaluate(${JSON.stringify(CODE_HEAD)} + code + ${JSON.stringify(CODE_TAIL)}), scope);
    const text = stringify(value);
    if (text !== undefined && text.length > limit) tooMuch(limit);
    else outcome = '+{"value":' + (text === undefined ? 'null' : text) + ',"logs":[' + lines() + ']}';
  } catch (e) {
    failed(e);
  }
};
return (input) => {
  if (input !== undefined) run(parse(input));
  return outcome;
};
})()`;
