import { isUtf8 } from 'node:buffer';
import { isJson, type Json, jsonBounds } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { parseJson } from '@flowplane/rest/json';
import { isJson as isJsonType } from '@flowplane/rest/media-type';
import { RestError } from '@flowplane/rest/rest-error';

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1 */
const mediaType =
  /^([!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+)((?: *; *[\w.-]+=(?:[\w.+:/'()-]+|"[^"\\]*"))*)$/i;
const charset = /; *charset="?([^";]*)/i;

/** A body with its type, as it was sent. */
export type HookBody = { bytes: Buffer; contentType: string };

function textOf(bytes: Buffer, code: 'invalid_json' | 'invalid_body'): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new RestError(code, 'The body is not UTF-8.');
}

function formOf(text: string): Json {
  const fields = new Map<string, string | string[]>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > limits.formFields) {
      throw new RestError('invalid_body', `The form has more than ${limits.formFields} fields.`);
    }
    if (name === '__proto__') throw new RestError('invalid_body', 'The form has a forbidden field: __proto__.');
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(fields);
}

function unsupported(what: string): RestError {
  return new RestError('unsupported_media_type', what);
}

function contentOf({ bytes, contentType }: HookBody): unknown {
  const [, type = '', parameters = ''] = contentType.length > 200 ? [] : (mediaType.exec(contentType) ?? []);
  const name = type.toLowerCase();
  if (name === '') throw unsupported('Send a Content-Type that says what the body is, such as application/json.');
  if (name.startsWith('multipart/')) {
    throw unsupported('A multipart body is not taken: send JSON, a form without files, text, or the file itself.');
  }
  const isText = name.startsWith('text/') || name === 'application/xml' || /^application\/[^+]+\+xml$/.test(name);
  const isForm = name === 'application/x-www-form-urlencoded';
  const isStructured = name === 'application/json' || /^application\/[^+]+\+json$/.test(name);
  if (!isText && !isForm && !isStructured) return { contentType: name, base64: bytes.toString('base64') };
  const encoding = charset.exec(parameters)?.[1]?.toLowerCase() ?? 'utf-8';
  if (!['utf-8', 'utf8', 'us-ascii'].includes(encoding)) throw unsupported('Send text, forms and JSON in UTF-8.');
  if (isStructured) return parseJson(textOf(bytes, 'invalid_json'));
  const text = textOf(bytes, 'invalid_body');
  return isForm ? formOf(text) : text;
}

/**
 * What a body is as the input of an execution: JSON as it is, a form as an object, text and XML as a string, anything else as
 * `{contentType, base64}`.
 *
 * @throws RestError `unsupported_media_type`, `invalid_json`, `invalid_body`.
 */
export function inputOfBody(body: HookBody): Json {
  const value = isJsonType(body.contentType) ? parseJson(textOf(body.bytes, 'invalid_json')) : contentOf(body);
  if (!isJson(value)) throw new RestError('invalid_body', `The input must be ${jsonBounds}.`);
  return value;
}
