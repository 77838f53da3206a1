/** Lines of a code body's log and their length in all. */
const MAX_LOG_LINES = 1000;
const MAX_LOG_CHARS = 65_536;

/** Turns whatever was thrown into the JSON text of a failed outcome; showing it may run the user's code once more. */
export const FAILURE = `'use strict';(e, index, { stringify, Error_, String_ }) => {
  let message = 'The code threw a value that cannot be shown', memory = false, stack = '';
  try {
    const isError = e instanceof Error_;
    message = String_(isError ? e.message || e.name : typeof e === 'string' ? e : stringify(e)).slice(0, 2000);
    memory = isError && e.name === 'InternalError' && message === 'out of memory';
    if (isError && typeof e.stack === 'string') stack = e.stack.slice(0, 2000);
  } catch {}
  return stringify({ reason: memory ? 'memory' : 'failed', message, index, stack });
}`;

/** Installs `console`; yields a function that gives the lines so far as JSON texts with commas between. */
export const CONSOLE = `'use strict';({ stringify, Error_, String_ }) => {
  let lines = '', count = 0, size = 0;
  const shown = (value) => {
    if (typeof value === 'string') return value;
    if (value instanceof Error_) return value.name + ': ' + value.message;
    try {
      const text = stringify(value);
      return text === undefined ? String_(value) : text;
    } catch {
      return String_(value);
    }
  };
  const log = (level) => (...values) => {
    if (count > ${MAX_LOG_LINES}) return;
    let message = '';
    for (let i = 0; i < values.length; i++) message += (i ? ' ' : '') + shown(values[i]);
    count++;
    if (count > ${MAX_LOG_LINES} || size + message.length > ${MAX_LOG_CHARS}) {
      count = ${MAX_LOG_LINES} + 1;
      message = message.slice(0, ${MAX_LOG_CHARS} - size) + '… truncated';
    }
    size += message.length;
    lines += (lines ? ',' : '') + stringify({ level, message });
  };
  globalThis.console = { debug: log('debug'), info: log('info'), log: log('info'), warn: log('warn'), error: log('error') };
  return () => lines;
}`;
