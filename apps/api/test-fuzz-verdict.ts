import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FuzzRequest } from './test-fuzz-requests.ts';
import { isSchema, type Schema } from './test-fuzz-values.ts';

/** An answer as it came, its body as text. */
export type Seen = { status: number; headers: Headers; text: string };

function pointer(...keys: string[]): string {
  return keys.map((key) => `/${encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');
}

function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((inner, key) => (isSchema(inner) ? inner[key] : undefined), value);
}

/**
 * Prepares the judging of answers by the document: what is wrong with an answer, or undefined.
 *
 * Wrong are a 5xx, a status or media type that the operation does not declare, a body that its schema rejects, a missing
 * request id, and a body where none may be.
 */
export function judgeBy(document: Schema): (request: FuzzRequest, seen: Seen) => string | undefined {
  const ajv = new Ajv2020({ strict: false, validateSchema: false, allErrors: false });
  addFormats.default(ajv);
  ajv.addSchema(document, 'document');
  const compiled = new Map<string, ValidateFunction>();

  function validator(where: string): ValidateFunction {
    const known = compiled.get(where) ?? ajv.compile({ $ref: `document#${where}` });
    compiled.set(where, known);
    return known;
  }

  return ({ template, method }, { status, headers, text }) => {
    if (status >= 500) return `a ${status}`;
    if (!headers.has('x-request-id')) return 'no X-Request-Id';
    const keys = ['paths', template, method.toLowerCase(), 'responses', String(status)];
    const declared = at(document, ...keys);
    if (!isSchema(declared)) return `an undeclared ${status}`;
    const isShared = typeof declared.$ref === 'string';
    const own = isShared ? String(declared.$ref).slice(2).split('/') : keys;
    const content = at(document, ...own, 'content');
    if (!isSchema(content)) return text === '' ? undefined : `a body with a ${status}`;
    const type = headers.get('content-type')?.split(';', 1)[0] ?? '';
    if (!Object.hasOwn(content, type)) return `a ${status} of undeclared media type ${type}`;
    const validate = validator(pointer(...own, 'content', type, 'schema'));
    if (validate(/json$/.test(type) ? JSON.parse(text) : text)) return undefined;
    return `a ${status} that its schema rejects: ${ajv.errorsText(validate.errors)}`;
  };
}
