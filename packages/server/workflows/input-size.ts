import { Refusal } from '@flowplane/contract/errors';
import type { Json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';

/** @throws Refusal `payload_too_large` when an execution's input has more JSON than one may. */
export function checkInputSize(input: Json): void {
  if (Buffer.byteLength(JSON.stringify(input)) <= limits.valueBytes) return;
  throw new Refusal(
    'payload_too_large',
    `The input may have ${limits.valueBytes} bytes of JSON; pass a reference to larger data.`,
  );
}
