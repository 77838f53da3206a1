import type { Json } from '@flowplane/contract/json';

/** Takes secrets out of what is about to be stored, logged or sent. What holds none is returned as it is. */
export type Redactor = { text(text: string): string; json(value: Json): Json };

const mark = '[redacted]';
/** Shorter ones are no secrets, and would blacken half of every text. */
const leastLength = 4;

/**
 * What base64 makes of a secret within a longer text, at each of the three places at which it may begin: the characters that
 * depend on nothing around it. https://www.rfc-editor.org/rfc/rfc4648#section-4
 */
function withinBase64(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  });
}

function formsOf(secret: string): string[] {
  const base64 = [Buffer.from(secret).toString('base64'), ...withinBase64(secret)];
  const url = encodeURIComponent(secret);
  const form = new URLSearchParams({ a: secret }).toString().slice(2);
  const encoded = [url, form].flatMap((text) => [text, text.replace(/%../g, (code) => code.toLowerCase())]);
  const json = JSON.stringify(secret).slice(1, -1);
  const ascii = json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const urlSafe = base64.flatMap((text) => [text.replaceAll('+', '-').replaceAll('/', '_'), encodeURIComponent(text)]);
  return [secret, ...base64, ...urlSafe, ...encoded, json, json.replaceAll('/', '\\/'), ascii];
}

function patternOf(secrets: readonly string[]): RegExp | undefined {
  const forms = new Set(secrets.filter(({ length }) => length >= leastLength).flatMap(formsOf));
  // The longest first: of a form that is part of another, the whole is to go.
  const sorted = [...forms].filter(({ length }) => length >= leastLength).sort((a, b) => b.length - a.length);
  return sorted.length === 0
    ? undefined
    : new RegExp(sorted.map((form) => form.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'g');
}

function redactJson(value: Json, text: (text: string) => string): Json {
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => redactJson(item, text));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  const entries = Object.entries(value);
  const redacted = entries.map(([key, item]): [string, Json] => [text(key), redactJson(item, text)]);
  const isSame = redacted.every(([key, item], index) => key === entries[index]?.[0] && item === entries[index]?.[1]);
  return isSame ? value : Object.fromEntries(redacted);
}

/**
 * A redactor for some secrets: as they are, and as base64, URLs, forms and JSON write them. Secrets of fewer than four characters
 * are left: they would take innocent text with them.
 */
export function createRedactor(secrets: readonly string[]): Redactor {
  const pattern = patternOf(secrets);
  const text = (given: string) => (pattern ? given.replace(pattern, mark) : given);
  return { text, json: (value) => (pattern ? redactJson(value, text) : value) };
}
