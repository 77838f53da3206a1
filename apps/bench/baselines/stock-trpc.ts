import { openDatabase } from '@flowplane/db/database';
import { createDispatch } from '@flowplane/engine/dispatch/dispatch';
import { createEngine } from '@flowplane/engine/engine';
import { createBus } from '@flowplane/engine/streams/bus';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { appRouter } from '@flowplane/server/api';
import { createAuth } from '@flowplane/server/auth/auth';
import { authenticate } from '@flowplane/server/auth/authenticate';
import type { Context } from '@flowplane/server/context';
import { createSecretsManager } from '@flowplane/server/credentials/secrets-manager';
import { createVault } from '@flowplane/server/credentials/vault';
import { createWebhooks } from '@flowplane/server/hooks/webhooks';
import { createMailer } from '@flowplane/server/mail/mailer';
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import fastify, { type FastifyRequest } from 'fastify';
import { poolSize } from '../pool-size.ts';
import { serve } from './serve.ts';

const [, , url = '', issuer = '', secretKey = ''] = process.argv;

const database = openDatabase(url, { max: poolSize });
const mailer = createMailer({ db: database.db, deliver: async () => {}, onLost: console.error });
const auth = await createAuth({ database, secretKey, issuer, secureCookies: false, allowedOrigins: [], mailer });
const webhooks = createWebhooks(database.db);
const vault = createVault({
  database,
  secretKey,
  previousSecretKey: undefined,
  references: [],
  keepsIn: 'database',
  secretsManager: createSecretsManager({ region: 'us-east-1' }),
  environment: () => undefined,
  fetch: () => Promise.reject(new Error('nothing is fetched here')),
  onError: console.error,
});
const engine = createEngine({
  database,
  nodeTypes: new Map(),
  sandbox: createSandbox({ threads: 1 }),
  dispatch: await createDispatch({ store: { postgres: url }, onError: console.error }),
  bus: createBus({ redis: undefined, onError: console.error }),
  slots: 0,
  onError: console.error,
});

async function createContext({ req }: { req: FastifyRequest }): Promise<Context> {
  return {
    database,
    engine,
    auth,
    webhooks,
    vault,
    principal: await authenticate(auth, req.headers, req.method),
    request: { id: req.id, ip: req.ip, userAgent: req.headers['user-agent'] },
    response: { headers: {}, cookies: [] },
  };
}

const app = fastify();
app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: { router: appRouter, createContext } });
await app.ready();
serve(app.server);
