import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** AWS Secrets Manager did not do it. The message holds the error's name only: AWS may repeat in others what it was sent. */
export class SecretsManagerError extends Error {
  override readonly name = 'SecretsManagerError';
  /** The secret is not there, rather than the service. */
  readonly isMissing: boolean;

  constructor(action: string, cause: unknown) {
    const name = cause instanceof Error ? cause.name : 'unknown error';
    const code = cause instanceof Error && 'code' in cause ? ` ${String(cause.code)}` : '';
    super(`AWS Secrets Manager could not ${action}: ${name}${code}`);
    this.isMissing = name === 'ResourceNotFoundException' || name === 'InvalidRequestException';
  }
}

/** Secrets by name or ARN. Each call is tried up to three times, for 15 seconds at most. @throws SecretsManagerError */
export type SecretsManager = {
  create(name: string, secret: string): Promise<void>;
  read(name: string): Promise<string>;
  /** For good and at once; a secret that is not there is removed. */
  remove(name: string): Promise<void>;
  close(): Promise<void>;
};

const patienceMs = 15_000;

/** The secrets of a region. The SDK is loaded by the first call, and finds who we are as it does everywhere. */
export function createSecretsManager(options: { region: string; endpoint?: string | undefined }): SecretsManager {
  const { region, endpoint } = options;
  let client: SecretsManagerClient | undefined;

  async function connect() {
    const sdk = await import('@aws-sdk/client-secrets-manager');
    client ??= new sdk.SecretsManagerClient({
      region,
      ...(endpoint ? { endpoint } : {}),
      maxAttempts: 3,
      requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
    });
    return { sdk, client };
  }

  async function call<Result>(
    action: string,
    work: (connected: Awaited<ReturnType<typeof connect>>, abortSignal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work(await connect(), AbortSignal.timeout(patienceMs));
    } catch (error) {
      throw new SecretsManagerError(action, error);
    }
  }

  return {
    create: (name, secret) =>
      call('keep a secret', async ({ sdk, client }, abortSignal) => {
        const description = 'A credential of Flowplane';
        const command = new sdk.CreateSecretCommand({ Name: name, SecretString: secret, Description: description });
        await client.send(command, { abortSignal });
      }),
    read: (name) =>
      call('read a secret', async ({ sdk, client }, abortSignal) => {
        const answer = await client.send(new sdk.GetSecretValueCommand({ SecretId: name }), { abortSignal });
        if (answer.SecretString === undefined) throw new Error('the secret is binary');
        return answer.SecretString;
      }),
    remove: (name) =>
      call('remove a secret', async ({ sdk, client }, abortSignal) => {
        const command = new sdk.DeleteSecretCommand({ SecretId: name, ForceDeleteWithoutRecovery: true });
        await client.send(command, { abortSignal }).catch((error: unknown) => {
          if (!(error instanceof sdk.ResourceNotFoundException)) throw error;
        });
      }),
    async close() {
      client?.destroy();
    },
  };
}
