/**
 * What superjson would note about the values inside a JSON text: where dates sit and where `undefined` was. `exact` turns
 * false when a value needs more than that, and the whole value has to be serialized by superjson itself.
 */
export type Annotations = { text: string; hasUndefined: boolean; exact: boolean };

export function emptyAnnotations(): Annotations {
  return { text: '', hasUndefined: false, exact: true };
}

/** A property name as superjson writes it into a path. */
export function escapeKey(key: string): string {
  return /[\\.]/.test(key) ? key.replaceAll('\\', '\\\\').replaceAll('.', '\\.') : key;
}

/** Notes that the value at a path is a Date. */
export function noteDate(notes: Annotations, path: string, value: Date): void {
  // An invalid Date is no Date to superjson; JSON makes it null.
  if (Number.isNaN(value.getTime())) return;
  notes.text += `${notes.text && ','}${JSON.stringify(path)}:["Date"]`;
}

/** Notes that the value at a path is undefined. */
export function noteUndefined(notes: Annotations, path: string): void {
  notes.hasUndefined = true;
  notes.text += `${notes.text && ','}${JSON.stringify(path)}:["undefined"]`;
}

const maxDepth = 200;

/**
 * Whether superjson can speak of a property. It refuses to write or follow a path through `constructor`, although the
 * property itself is harmless data; and an empty name cannot be told from the root here.
 */
export function isSpeakable(key: string, noted: boolean): boolean {
  if (key === '__proto__') return false;
  return !noted || (key !== '' && key !== 'constructor' && key !== 'prototype');
}

/** Notes what a value of unknown shape holds, by looking at all of it. `path` is where it sits, empty for the root. */
export function annotateUnknown(value: unknown, path: string, notes: Annotations, depth = 0): void {
  if (typeof value === 'object') {
    if (value !== null) annotateObject(value, path, notes, depth);
  } else if (typeof value === 'undefined') noteUndefined(notes, path);
  else if (typeof value === 'number') {
    if (!Number.isFinite(value) || Object.is(value, -0)) notes.exact = false;
  } else if (typeof value !== 'string' && typeof value !== 'boolean') notes.exact = false;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value);
}

function annotateObject(value: object, path: string, notes: Annotations, depth: number): void {
  const inner = path === '' ? '' : `${path}.`;
  if (value instanceof Date) noteDate(notes, path, value);
  else if (depth >= maxDepth) notes.exact = false;
  else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) annotateUnknown(value[i], `${inner}${i}`, notes, depth + 1);
  } else if (isPlain(value)) {
    for (const [key, one] of Object.entries(value)) {
      const before = notes.text.length;
      annotateUnknown(one, inner + escapeKey(key), notes, depth + 1);
      if (!isSpeakable(key, notes.text.length > before)) notes.exact = false;
    }
  } else notes.exact = false;
}
