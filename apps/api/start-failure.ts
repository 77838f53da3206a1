import { EmbeddedError } from '@flowplane/db/embedded-error';
import { isTransient } from '@flowplane/db/retry';
import type { Settings } from './settings.ts';

/** The start failed for a reason that the operator can change. The message is one paragraph: what is wrong and what to do. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

// No such host; wrong user, password or pg_hba.conf; no such database; no right to connect or to make tables.
const refusedByServer = /^(?:ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|28...|3D000|42501)$/;

/** `error` as a StartFailure where the database that DATABASE_URL names cannot be used; else unchanged. */
export function databaseFailure(error: unknown, { DATABASE_URL }: Settings): unknown {
  const code = codeOf(error);
  const unusable = refusedByServer.test(code) || isTransient(error) || /SSL|password must be/.test(String(error));
  if (!DATABASE_URL || !unusable) return error;
  const { host, pathname } = new URL(DATABASE_URL);
  // An attempt on several addresses fails without a message of its own.
  const reason = (error instanceof Error && error.message) || code;
  return new StartFailure(
    `The PostgreSQL of DATABASE_URL (${host || 'localhost'}${pathname}) cannot be used: ${reason}. Start it or correct DATABASE_URL; without DATABASE_URL Flowplane brings its own.`,
  );
}

/** `error` as a StartFailure where API_HOST and API_PORT cannot be listened on; else unchanged. */
export function listenFailure(error: unknown, { API_HOST, API_PORT }: Settings): unknown {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new StartFailure(
        `Another program listens on port ${API_PORT} already. Stop it, or set API_PORT to another port.`,
      );
    case 'EACCES':
      return new StartFailure(`Port ${API_PORT} is reserved for the system. Set API_PORT to one above 1023.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartFailure(`API_HOST is ${API_HOST}, which is not an address of this machine. Try 0.0.0.0 for all.`);
    default:
      return error;
  }
}

/** What to tell the operator instead of a stack; undefined for failures that are ours. */
export function operatorMessage(error: unknown): string | undefined {
  return error instanceof StartFailure || error instanceof EmbeddedError ? error.message : undefined;
}
