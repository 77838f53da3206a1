import type { Operation } from './operations.ts';

/**
 * Where the paths of an operation's version start: `/api` + `/v2`.
 *
 * @throws Error for a version that is not a whole number from 1 to 99.
 */
export function basePath(prefix: string, { procedure, meta: { version = 1 } }: Operation): string {
  if (!Number.isInteger(version) || version < 1 || version > 99) {
    throw new Error(`${procedure}: its version ${version} is not a whole number from 1 to 99.`);
  }
  return `${prefix}/v${version}`;
}
