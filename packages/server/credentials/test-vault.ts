import { type Database, openDatabase } from '@flowplane/db/database';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { createSecretsManager } from './secrets-manager.ts';
import { createVault, type Vault, type VaultOptions } from './vault.ts';

/** The vault of one process: it reaches this machine, and knows no environment. */
export function openVault(
  url: string,
  options: Partial<VaultOptions> = {},
): Vault & { database: Database; [Symbol.asyncDispose](): Promise<void> } {
  const egress = createGuardedFetch({ allowPrivate: ['127.0.0.1', 'localhost'] });
  const vault = createVault({
    database: openDatabase(url, { max: 3 }),
    secretKey: 'a secret key of tests, long enough',
    previousSecretKey: undefined,
    references: [],
    keepsIn: 'database',
    secretsManager: createSecretsManager({ region: 'us-east-1' }),
    environment: () => undefined,
    fetch: egress.fetch,
    onError(error, where) {
      throw new Error(where, { cause: error });
    },
    ...options,
  });
  return {
    ...vault,
    async [Symbol.asyncDispose]() {
      await Promise.all([egress.close(), vault.secretsManager.close(), vault.database.close()]);
    },
  };
}
