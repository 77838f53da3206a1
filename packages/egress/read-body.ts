import type { Readable } from 'node:stream';
import { createByteSink } from './byte-sink.ts';
import { type Decoder, openDecoder } from './decoder.ts';
import { EgressError } from './errors.ts';

/**
 * Reads a response body whole, decoding `encoding` on the way. Stops, and destroys the connection, once the decoded bytes
 * exceed `maxBytes`, or the encoded ones twice that (empty gzip members can go on for ever and decode to nothing).
 *
 * @throws EgressError `egress_too_large`, and what the stream or the decoder throws.
 */
export async function readBody(
  body: Readable,
  options: { host: string; maxBytes: number; encoding: string | undefined },
): Promise<Uint8Array> {
  const { host, maxBytes, encoding } = options;
  const sink = createByteSink(maxBytes);
  let encodedBytes = 0;
  let fits = true;
  let decoder: Decoder | undefined;
  const collect = (chunk: Uint8Array) => {
    fits &&= sink.add(chunk);
    return fits;
  };
  try {
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array) || chunk.length === 0) continue;
      encodedBytes += chunk.length;
      if (encoding === undefined) collect(chunk);
      else {
        decoder ??= openDecoder(encoding, chunk[0] ?? 0, collect);
        await decoder.write(chunk);
        if (encodedBytes > 2 * maxBytes + 1_024) fits = false;
      }
      if (!fits) throw tooLarge(host, maxBytes);
    }
    await decoder?.end();
    if (!fits) throw tooLarge(host, maxBytes);
  } finally {
    decoder?.destroy();
  }
  return sink.bytes();
}

/** The error of a response over its cap. */
export function tooLarge(host: string, maxBytes: number): EgressError {
  return new EgressError(
    'egress_too_large',
    `The response from "${host}" is larger than the ${maxBytes} bytes allowed.`,
  );
}
