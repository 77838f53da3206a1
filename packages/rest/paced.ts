/** Small enough that a slow reader that does read takes one well before it counts as stalled. */
const sliceBytes = 32_768;

/**
 * Hands a text on in slices, each once the one before was taken.
 *
 * @param take resolves to whether the reader is still there.
 * @returns the same.
 */
export async function inSlices(
  text: string,
  take: (slice: Buffer, isLast: boolean) => Promise<boolean>,
): Promise<boolean> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    const end = at + sliceBytes;
    if (!(await take(bytes.subarray(at, end), end >= bytes.length))) return false;
  }
  return true;
}
