// Anchored and strict: a type that merely starts with application/json, or is padded, has been a way around validation.
const json = /^application\/json(?: *; *[\w-]+=(?:[\w.+-]+|"[^"\\]*"))*$/i;
const charset = /; *charset="?([^";]*)/i;

/** Whether a `Content-Type` header says JSON in UTF-8. @see https://www.rfc-editor.org/rfc/rfc8259#section-8.1 */
export function isJson(contentType: string): boolean {
  if (contentType === 'application/json') return true;
  if (contentType.length > 200 || !json.test(contentType)) return false;
  const named = charset.exec(contentType)?.[1]?.toLowerCase();
  return named === undefined || named === 'utf-8' || named === 'utf8';
}
