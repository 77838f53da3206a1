import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { type Read, readSettings } from './read-settings.ts';

/** The folder of the checkout. */
export const root = resolve(import.meta.dirname, '../..');

/** A variable that is no setting, for credentials that name it; the operator's rules say which they may. */
export function environmentValue(name: string): string | undefined {
  return process.env[name];
}

/** The settings of this process. Only this file reads the environment. */
export function readConfig(): Read {
  const file = join(root, '.env');
  const dotEnv = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  return readSettings(process.env, dotEnv);
}
