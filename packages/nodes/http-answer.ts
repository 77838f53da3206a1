import { type Json, json } from '@flowplane/contract/json';
import { isStorable } from '@flowplane/contract/text';
import type { GuardedResponse } from '@flowplane/egress/guarded-fetch';
import { NodeError } from '@flowplane/engine/node-error';
import type { Params } from './http-params.ts';

function isJsonType(contentType: string): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(contentType);
}

/** The answer's body as JSON, text or base64. @throws NodeError `invalid_response` when it is not what is wanted. */
export function bodyOf(answer: GuardedResponse, as: Params['response']): Json {
  const bytes = Buffer.from(answer.body);
  if (as === 'base64') return bytes.toString('base64');
  const type = answer.headers['content-type'] ?? '';
  const text = bytes.toString('utf8');
  if (as === 'text' || (as === 'auto' && !isJsonType(type))) {
    if (isStorable(text)) return text;
    throw new NodeError(
      'invalid_response',
      `The answer (status ${answer.status}, ${type || 'no content type'}) is not text; set response to base64.`,
    );
  }
  if (text === '' && as === 'auto') return null;
  try {
    return json.parse(JSON.parse(text));
  } catch {
    throw new NodeError(
      'invalid_response',
      `The answer (status ${answer.status}, ${type || 'no content type'}) is not JSON.`,
    );
  }
}

/** The longest pause that a server is granted: that of a `retry`. */
const mostMs = 86_400_000;

/** When the server asks to be tried again: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAdvice(retryAfter: string | undefined): { words: string; ms: number | undefined } {
  if (retryAfter !== undefined && /^\d{1,9}$/.test(retryAfter)) {
    const seconds = Number(retryAfter);
    return { words: ` and asks to be tried again after ${seconds} s`, ms: Math.min(seconds * 1_000, mostMs) };
  }
  const at = Date.parse(retryAfter ?? '');
  if (Number.isNaN(at)) return { words: '', ms: undefined };
  const ms = Math.min(Math.max(at - Date.now(), 0), mostMs);
  return { words: ` and asks to be tried again after ${new Date(at).toISOString()}`, ms };
}

/**
 * @param redact takes secrets out of what the server said: of one that the cut goes through, nobody could tell the rest.
 * @throws NodeError `http_status`, with what the server said, when the status is not expected.
 */
export function checkStatus(
  answer: GuardedResponse,
  expect: Params['expect'],
  redact: (text: string) => string = (text) => text,
): void {
  const { status, headers } = answer;
  const fits = expect === 'any' || (expect === 'success' ? status < 400 : expect.includes(status));
  if (fits) return;
  const said = redact(Buffer.from(answer.body).toString('utf8')).slice(0, 500);
  const advice = retryAdvice(headers['retry-after']);
  const message = `The server answered ${status}${advice.words}${said ? `: ${said}` : ''}`;
  throw new NodeError('http_status', message, { retryAfterMs: advice.ms });
}
