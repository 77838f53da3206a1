import { openDatabase } from '@flowplane/db/database';
import type { GuardedFetch } from '@flowplane/egress/guarded-fetch';
import { createSecretsManager } from '@flowplane/server/credentials/secrets-manager';
import { startUpkeep } from '@flowplane/server/credentials/upkeep';
import { createVault, type Vault } from '@flowplane/server/credentials/vault';
import type { Logger } from 'pino';
import { environmentValue } from './config.ts';
import type { Settings } from './settings.ts';
import type { Shutdown } from './shutdown.ts';

const connections = 4;

/**
 * The credentials' vault as the settings want it, and its upkeep where workflows are run.
 *
 * @param options.url of the database, of which the vault has connections of its own.
 */
export function startVault(
  { settings, log, shutdown }: { settings: Settings; log: Logger; shutdown: Shutdown },
  { url, secretKey, fetch }: { url: string; secretKey: string; fetch: GuardedFetch },
): Vault {
  const database = openDatabase(url, {
    max: connections,
    onError: (error) => log.warn({ error }, 'idle database connection'),
  });
  shutdown.add('credentials database', database.close);
  const secretsManager = createSecretsManager({
    region: settings.AWS_REGION,
    endpoint: settings.SECRETS_MANAGER_ENDPOINT_URL,
  });
  shutdown.add('AWS Secrets Manager', secretsManager.close);
  const vault = createVault({
    database,
    secretKey,
    previousSecretKey: settings.SECRET_KEY_PREVIOUS,
    references: settings.CREDENTIAL_REFERENCES,
    keepsIn: settings.USE_DB_SECRETS ? 'database' : 'secretsManager',
    secretsManager,
    environment: environmentValue,
    fetch,
    onError: (error, where) => log.error({ error }, where),
  });
  if (settings.ROLE !== 'api') {
    const told = (credentials: number) => log.info({ credentials }, 're-encrypted with the new SECRET_KEY');
    shutdown.add('upkeep of credentials', startUpkeep(vault, told));
  }
  return vault;
}
