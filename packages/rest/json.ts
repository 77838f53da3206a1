import { RestError } from './rest-error.ts';

// Validators and serializers recurse; 200 levels is far above any real document and far below a stack overflow.
const maxDepth = 200;

function refuseDeepNesting(text: string): void {
  if (text.length <= 2 * maxDepth) return;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 92 /* \ */) i++;
      else if (char === 34 /* " */) inString = false;
    } else if (char === 34) inString = true;
    else if (char === 91 /* [ */ || char === 123 /* { */) {
      depth++;
      if (depth > maxDepth) throw new RestError('invalid_json', `The JSON is nested deeper than ${maxDepth} levels.`);
    } else if (char === 93 || char === 125) depth--;
  }
}

// An escape can spell a key without its letters appearing in the text.
const suspicious = /__proto__|constructor|\\u00/i;

function refusePollution(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__' || (key === 'constructor' && hasPrototype(inner))) {
      throw new RestError('invalid_json', `The JSON has a forbidden key: ${key}.`);
    }
    refusePollution(inner);
  }
}

function hasPrototype(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}

/**
 * Parses JSON from outside: at most 200 levels deep and without keys that could reach a prototype.
 *
 * @throws RestError `invalid_json`
 */
export function parseJson(text: string): unknown {
  refuseDeepNesting(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it does not parse';
    throw new RestError('invalid_json', `The JSON is malformed: ${reason}`);
  }
  if (suspicious.test(text)) refusePollution(value);
  return value;
}
