import { startServer, type TestServer } from '@flowplane/egress/test-server';
import { z } from 'zod';

type Answer = { status: number; body: object };

const asked = z.object({
  Name: z.string().optional(),
  SecretId: z.string().optional(),
  SecretString: z.string().optional(),
});

function refused(type: string): Answer {
  // AWS repeats in some messages what it was sent; so does this.
  return { status: 400, body: { __type: type, Message: 'refused' } };
}

/**
 * A server that speaks as much of AWS Secrets Manager as the vault asks for (AWS JSON 1.1 over HTTP, the action in
 * `X-Amz-Target`). `secrets` is what it holds. While `mode` is not `up` it fails: with an error of its own that repeats what
 * it was sent, by breaking the connection, or after having done what it was asked.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export async function startSecretsManager(): Promise<{
  endpoint: string;
  secrets: Map<string, string>;
  set(mode: 'up' | 'broken' | 'failing' | 'losing answers'): void;
  server: TestServer;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const secrets = new Map<string, string>();
  let mode: 'up' | 'broken' | 'failing' | 'losing answers' = 'up';

  function answer(action: string, { Name = '', SecretId = '', SecretString = '' }: z.infer<typeof asked>): Answer {
    if (action === 'CreateSecret') {
      if (secrets.has(Name) && secrets.get(Name) !== SecretString) return refused('ResourceExistsException');
      secrets.set(Name, SecretString);
      return { status: 200, body: { ARN: `arn:${Name}`, Name } };
    }
    const secret = secrets.get(SecretId);
    if (secret === undefined) return refused('ResourceNotFoundException');
    if (action === 'GetSecretValue') return { status: 200, body: { Name: SecretId, SecretString: secret } };
    if (action !== 'DeleteSecret') return refused('UnknownOperationException');
    secrets.delete(SecretId);
    return { status: 200, body: { Name: SecretId, DeletionDate: 0 } };
  }

  const server = await startServer(
    async (request, response) => {
      if (mode === 'broken') return void request.socket.destroy();
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const [service, action = ''] = String(request.headers['x-amz-target']).split('.');
      const isSigned = request.headers.authorization?.startsWith('AWS4-HMAC-SHA256') ?? false;
      const known = service === 'secretsmanager' && isSigned;
      const failing: Answer = { status: 500, body: { __type: 'InternalServiceError', Message: text } };
      const { status, body } =
        mode === 'failing'
          ? failing
          : known
            ? answer(action, asked.parse(JSON.parse(text)))
            : refused('AccessDeniedException');
      if (mode === 'losing answers') return void request.socket.destroy();
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    },
    { host: '127.0.0.1' },
  );
  return {
    endpoint: `http://127.0.0.1:${server.port}`,
    secrets,
    set(next) {
      mode = next;
    },
    server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
