import type { ErrorCode } from '@flowplane/contract/errors';

/** What any procedure may answer with, so that none declares it. */
export const usualErrors = [
  'invalid_input',
  'unauthenticated',
  'forbidden',
  'not_found',
  'payload_too_large',
  'rate_limited',
  'internal',
  'unavailable',
] as const satisfies ErrorCode[];

/** What a mutation answers with besides, because it honours `Idempotency-Key`. */
export const idempotencyErrors = ['idempotency_in_flight', 'idempotency_mismatch'] as const satisfies ErrorCode[];

/** What a change of a versioned resource answers with besides. */
export const revisionErrors = ['precondition_failed'] as const satisfies ErrorCode[];
