import { CODE_HEAD, CODE_TAIL } from '../parse-expression.ts';
import { SCOPE_NAMES } from '../scope.ts';

/** Lines of a code body's log and their length in all. */
const MAX_LOG_LINES = 1000;
const MAX_LOG_CHARS = 65_536;

/**
 * The program that runs inside QuickJS, around the user's. It needs nothing from the host: text goes in, text comes out, and it
 * has no reference to a host function that could leak.
 *
 * `guest(payload)` starts the work; it returns `+` and the result or `-` and the error as JSON text, or undefined while a promise is pending: then
 * `guest()` asks again. The user's code shares its realm and can only ever forge its own outcome.
 */
export const GUEST = `(() => {
'use strict';
const { parse, stringify } = JSON, evaluate = eval, String_ = String, Error_ = Error;
const isError = (e) => e instanceof Error_;
const HEAD = ${JSON.stringify(`'use strict';(${SCOPE_NAMES.join(',')})=>(`)};
const CODE_HEAD = ${JSON.stringify(CODE_HEAD)}, CODE_TAIL = ${JSON.stringify(CODE_TAIL)};
let outcome, lines = '', count = 0, size = 0;
const words = (e) => {
  const text = isError(e) ? e.message || e.name : typeof e === 'string' ? e : stringify(e);
  return String_(text).slice(0, 2000);
};
const failed = (e, index) => {
  let message = 'The code threw a value that cannot be shown', memory = false, place = '';
  try {
    message = words(e);
    memory = isError(e) && e.name === 'InternalError' && message === 'out of memory';
    place = isError(e) && typeof e.stack === 'string' ? e.stack.slice(0, 2000) : '';
  } catch {}
  outcome = '-' + stringify({ reason: memory ? 'memory' : 'failed', message, index, stack: place });
};
const tooMuch = (limit, index) => {
  outcome = '-' + stringify({ reason: 'output', message: 'The result is larger than ' + limit + ' characters of JSON', index });
};
const call = (fn, scope) => {
  const { ${SCOPE_NAMES.join(', ')} } = parse(scope);
  return fn(${SCOPE_NAMES.join(', ')});
};
const evaluateAll = ({ expressions, scope, limit }) => {
  let text = '';
  for (let index = 0; index < expressions.length; index++) {
    try {
      const one = stringify(call(evaluate(HEAD + expressions[index] + '\\n)'), scope));
      text += (index ? ',' : '') + (one === undefined ? 'null' : one);
    } catch (e) { return failed(e, index); }
    if (text.length > limit) return tooMuch(limit, index);
  }
  outcome = '+[' + text + ']';
};
const shown = (value) => {
  if (typeof value === 'string') return value;
  if (isError(value)) return value.name + ': ' + value.message;
  try { const text = stringify(value); return text === undefined ? String_(value) : text; } catch { return String_(value); }
};
const log = (level) => (...values) => {
  if (count > ${MAX_LOG_LINES}) return;
  let message = '';
  for (let i = 0; i < values.length; i++) message += (i ? ' ' : '') + shown(values[i]);
  count++;
  const last = count > ${MAX_LOG_LINES} || size + message.length > ${MAX_LOG_CHARS};
  if (last) { count = ${MAX_LOG_LINES} + 1; level = 'warn'; message = message.slice(0, ${MAX_LOG_CHARS} - size) + '… truncated'; }
  size += message.length;
  lines += (lines ? ',' : '') + stringify({ level, message });
};
const run = async ({ code, scope, limit }) => {
  try {
    const value = await call(evaluate(CODE_HEAD + code + CODE_TAIL), scope);
    const text = stringify(value);
    if (text !== undefined && text.length > limit) return tooMuch(limit);
    outcome = '+{"value":' + (text === undefined ? 'null' : text) + ',"logs":[' + lines + ']}';
  } catch (e) { failed(e); }
};
return (input) => {
  if (input !== undefined) {
    const payload = parse(input);
    if (payload.code === undefined) evaluateAll(payload);
    else {
      globalThis.console = { debug: log('debug'), info: log('info'), log: log('info'), warn: log('warn'), error: log('error') };
      run(payload);
    }
  }
  return outcome;
};
})()`;
