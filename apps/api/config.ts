import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { type Read, readSettings } from './read-settings.ts';

/** The folder of the checkout. */
export const root = resolve(import.meta.dirname, '../..');

/** The settings of this process: the only place where the environment is read. */
export function readConfig(): Read {
  const file = join(root, '.env');
  const dotEnv = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  return readSettings(process.env, dotEnv);
}
