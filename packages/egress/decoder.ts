import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';

export type Decoder = {
  /** Decodes a chunk completely, however much it expands to, unless `onData` answers false. */
  write(chunk: Uint8Array): Promise<void>;
  /** Flushes. Rejects when the compressed data is cut off. */
  end(): Promise<void>;
  destroy(): void;
};

type Open = (firstByte: number) => ReturnType<typeof createGunzip | typeof createBrotliDecompress>;

const DECODERS = new Map<string, Open>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['br', () => createBrotliDecompress()],
  // HTTP's "deflate" is the zlib format, but servers have always sent bare deflate too; only the first byte tells (RFC 1950).
  ['deflate', (firstByte) => ((firstByte & 0x0f) === 8 ? createInflate() : createInflateRaw())],
]);

/** Whether a `Content-Encoding` is one we decode: a single gzip, deflate or br. Stacked encodings are left as they came. */
export function canDecode(encoding: string): boolean {
  return DECODERS.has(encoding.trim().toLowerCase());
}

/**
 * A decoder whose output goes straight to `onData`, so that nothing queues up between it and the byte cap: zlib stops
 * within one 16 KiB block of `onData` answering false.
 */
export function openDecoder(encoding: string, firstByte: number, onData: (chunk: Uint8Array) => boolean): Decoder {
  const open = DECODERS.get(encoding.trim().toLowerCase());
  if (open === undefined) throw new TypeError(`No decoder for content encoding ${JSON.stringify(encoding)}`);
  const stream = open(firstByte);
  const closed = Promise.withResolvers<void>();
  closed.promise.catch(() => {});
  stream.on('data', (chunk: Uint8Array) => {
    if (!stream.destroyed && !onData(chunk)) stream.destroy();
  });
  stream.on('error', closed.reject).on('close', () => closed.resolve());
  return {
    write(chunk) {
      if (stream.writableEnded || stream.readableEnded || stream.destroyed) return closed.promise;
      const written = new Promise<void>((resolve) => stream.write(chunk, () => resolve()));
      return Promise.race([closed.promise, written]);
    },
    end() {
      stream.end();
      return closed.promise;
    },
    destroy: () => stream.destroy(),
  };
}
