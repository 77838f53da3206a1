import { expect, test } from 'vitest';
import { FlowplaneError } from './error.ts';
import { isError } from './is-error.ts';

function failure(code: string): FlowplaneError {
  return new FlowplaneError({ status: 409, code, detail: 'It did not work.' });
}

test('an error is a procedure’s when its code is declared, usual, or of the client', () => {
  for (const code of ['not_published', 'idempotency_in_flight', 'not_found', 'network_error', 'bad_response']) {
    expect(isError(failure(code), 'workflows.execute'), code).toBe(true);
  }
});

test('a code of another procedure, one that is not known yet, and what is no error of the client’s are not', () => {
  expect(isError(failure('email_taken'), 'workflows.execute')).toBe(false);
  expect(isError(failure('precondition_failed'), 'workflows.create')).toBe(false);
  expect(isError(failure('precondition_failed'), 'workflows.update')).toBe(true);
  expect(isError(failure('quantum_decoherence'), 'workflows.execute')).toBe(false);
  expect(isError(new DOMException('left', 'AbortError'), 'workflows.execute')).toBe(false);
  expect(isError({ code: 'not_found' }, 'workflows.execute')).toBe(false);
});
