import type { Json } from '@flowplane/contract/json';

type Given = { body?: Json | undefined; bodyType: 'auto' | 'json' | 'form' | 'text' | 'base64' };

const contentTypes = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  text: 'text/plain; charset=utf-8',
  base64: 'application/octet-stream',
} as const;

function isScalar(value: Json): boolean {
  return value === null || typeof value !== 'object';
}

/** What keeps a body from being sent as its type says. */
export function bodyMistake({ body, bodyType }: Given): string | undefined {
  if (body === undefined) return undefined;
  switch (bodyType) {
    case 'form': {
      const isObject = body !== null && typeof body === 'object' && !Array.isArray(body);
      const fits = isObject && Object.values(body).flat().every(isScalar);
      return fits ? undefined : 'must be an object of texts, numbers, booleans or lists of them to be sent as a form';
    }
    case 'text':
      return typeof body === 'string' ? undefined : 'must be a string to be sent as text';
    case 'base64': {
      const fits = typeof body === 'string' && body.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(body);
      return fits ? undefined : 'must be bytes in base64, with its padding';
    }
    default:
      return undefined;
  }
}

/** Adds what a query or a form holds: a list repeats its name, null leaves it out. */
export function appendAll(target: URLSearchParams, fields: { [name: string]: Json }): void {
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) if (one !== null) target.append(name, String(one));
  }
}

/** The bytes or text of a body in which {@link bodyMistake} found none, and the content type it has unless the headers say. */
export function encodeBody({ body, bodyType }: Given): {
  body?: string | Uint8Array;
  contentType?: string;
} {
  if (body === undefined) return {};
  if (bodyType === 'auto') return typeof body === 'string' ? { body } : encodeBody({ body, bodyType: 'json' });
  const contentType = contentTypes[bodyType];
  if (bodyType === 'form' && body !== null && typeof body === 'object' && !Array.isArray(body)) {
    const form = new URLSearchParams();
    appendAll(form, body);
    return { body: form.toString(), contentType };
  }
  if (bodyType === 'text' && typeof body === 'string') return { body, contentType };
  if (bodyType === 'base64' && typeof body === 'string') return { body: Buffer.from(body, 'base64'), contentType };
  return { body: JSON.stringify(body), contentType };
}
