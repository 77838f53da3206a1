import { join, resolve } from 'node:path';
import { type Database, openDatabase } from '@flowplane/db/database';
import { startEmbedded } from '@flowplane/db/embedded';
import { migrate } from '@flowplane/db/migrate';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { createDispatch } from '@flowplane/engine/dispatch/dispatch';
import { createEngine } from '@flowplane/engine/engine';
import { createBus } from '@flowplane/engine/streams/bus';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { builtinNodes } from '@flowplane/nodes/index';
import { approvalLink, createApprovalLinks } from '@flowplane/server/approvals/link';
import { createAuditRetention } from '@flowplane/server/audit/retention';
import { createAuth } from '@flowplane/server/auth/auth';
import { createStartQuota } from '@flowplane/server/auth/guests/quota';
import { resealSigningKeys } from '@flowplane/server/auth/tokens/reseal-signing-keys';
import { startUpkeep } from '@flowplane/server/auth/upkeep';
import { credentialsFor } from '@flowplane/server/credentials/port';
import { createEventHousekeeping } from '@flowplane/server/events/housekeeping';
import { createRetention } from '@flowplane/server/executions/retention';
import { createWebhooks } from '@flowplane/server/hooks/webhooks';
import { createLimiter } from '@flowplane/server/limits/limiter';
import { redisStore } from '@flowplane/server/limits/redis-store';
import { createScheduler } from '@flowplane/server/schedules/scheduler';
import type { FastifyInstance } from 'fastify';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { readConfig, root } from './config.ts';
import { createOwner, type Owner, runSample } from './first-start.ts';
import { identitiesOf } from './identities.ts';
import { createLogger } from './logger.ts';
import { mailerOf } from './mailer.ts';
import { brandingOf } from './openapi-document.ts';
import manifest from './package.json' with { type: 'json' };
import { createProgress, type Progress } from './progress.ts';
import { localSecretKey } from './secret-key.ts';
import { createServer } from './server.ts';
import type { Services } from './services.ts';
import type { Settings } from './settings.ts';
import { createShutdown, type Shutdown } from './shutdown.ts';
import { databaseFailure, listenFailure, operatorMessage } from './start-failure.ts';
import { startVault } from './vault.ts';

type Start = { settings: Settings; log: Logger; progress: Progress; shutdown: Shutdown };

async function startDatabase({ settings, log, progress, shutdown }: Start): Promise<string> {
  if (settings.DATABASE_URL) return settings.DATABASE_URL;
  const dataDir = join(resolve(root, settings.DATA_DIR), 'postgres');
  const embedded = await progress.step('PostgreSQL started', () =>
    startEmbedded({ dataDir, onExit: (why) => shutdown.fail(new Error(`the embedded PostgreSQL ended: ${why}`)) }),
  );
  shutdown.add('embedded PostgreSQL', embedded.stop);
  log.debug({ dataDir }, 'embedded PostgreSQL');
  return embedded.url;
}

function connectRedis({ settings, log, shutdown }: Start): Redis | undefined {
  if (!settings.REDIS_URL) return undefined;
  // Whoever asks whether Redis is there wants to know now.
  const redis = new Redis(settings.REDIS_URL, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: 1_000,
    // One that hangs is taken for one that is away, or every call would wait for it again.
    socketTimeout: 1_000,
  });
  redis.on('error', (error) => log.warn({ error }, 'redis'));
  shutdown.add('redis', async () => redis.disconnect());
  return redis;
}

/** What carries work between processes; `url` is the database's. */
function storeOf({ WORKFLOW_QUEUE_URL, SQS_ENDPOINT_URL, AWS_REGION, REDIS_URL }: Settings, url: string) {
  if (WORKFLOW_QUEUE_URL) {
    return { sqs: { url: WORKFLOW_QUEUE_URL, region: AWS_REGION, endpoint: SQS_ENDPOINT_URL } };
  }
  return REDIS_URL ? { redis: REDIS_URL } : { postgres: url };
}

function startAuditRetention({ settings, log, shutdown }: Start, { db }: Database): void {
  const days = settings.AUDIT_RETENTION_DAYS;
  if (days === 0) return;
  const retention = createAuditRetention({ db, days, onError: (error, where) => log.error({ error }, where) });
  retention.start();
  shutdown.add('retention of the audit log', retention.stop);
}

async function startServices(start: Start, url: string): Promise<Services> {
  const { settings, log, shutdown } = start;
  const onError = (error: Error) => log.warn({ error }, 'idle database connection');
  const database = openDatabase(url, { max: settings.DATABASE_POOL, onError });
  shutdown.add('database', database.close);
  const engineDatabase = openDatabase(url, { max: 4, pointQueries: true, onError });
  shutdown.add('engine database', engineDatabase.close);
  const redis = connectRedis(start);

  const sandbox = createSandbox({ threads: 2 });
  shutdown.add('sandbox', sandbox.close);
  const egress = createGuardedFetch({ allowPrivate: settings.EGRESS_ALLOW_PRIVATE });
  shutdown.add('egress', egress.close);
  const secretKey = settings.SECRET_KEY ?? localSecretKey(resolve(root, settings.DATA_DIR));
  const vault = startVault(start, { url, secretKey, fetch: egress.fetch });
  const publicUrl = settings.PUBLIC_URL ?? `http://localhost:${settings.API_PORT}`;
  const links = createApprovalLinks(secretKey, publicUrl);
  const engine = createEngine({
    database: engineDatabase,
    nodeTypes: builtinNodes({ sandbox, fetch: egress.fetch }),
    sandbox,
    credentials: credentialsFor(vault),
    dispatch: await createDispatch({
      store: storeOf(settings, url),
      onError: (error) => log.warn({ error }, 'queue'),
    }),
    bus: createBus({ redis: settings.REDIS_URL, onError: (error) => log.warn({ error }, 'bus') }),
    slots: settings.ROLE === 'api' ? 0 : settings.EXECUTION_SLOTS,
    mayStart: createStartQuota(engineDatabase),
    queueBounds: { all: settings.QUEUE_LIMIT, team: settings.QUEUE_LIMIT_PER_TEAM },
    approvalLink: (step) => approvalLink(links, step),
    onError: (error, where) => log.error({ error }, where),
  });
  shutdown.add('engine', engine.close);
  if (settings.ROLE !== 'api') {
    const retention = createRetention({
      database: engineDatabase,
      days: settings.EXECUTION_RETENTION_DAYS,
      onError: (error, where) => log.error({ error }, where),
    });
    retention.start();
    shutdown.add('retention', retention.stop);
    startAuditRetention(start, database);
  }

  const mailer = mailerOf({ settings, log, db: database.db });
  shutdown.add('mails', mailer.close);
  if (settings.SECRET_KEY_PREVIOUS) {
    await resealSigningKeys(database.db, { secretKey, previousSecretKey: settings.SECRET_KEY_PREVIOUS });
  }
  const allowedOrigins = [new URL(publicUrl).origin, ...settings.CORS_ORIGINS];
  const auth = await createAuth({
    database,
    mailer,
    secretKey,
    secureCookies: settings.ENVIRONMENT === 'production',
    issuer: publicUrl,
    guestDays: settings.GUESTS === 'on' ? settings.GUEST_DAYS : undefined,
    allowedOrigins,
    identities: identitiesOf(start, allowedOrigins),
    ...(redis ? { limiterStore: redisStore(redis) } : {}),
  });
  const onUpkeepError = (error: unknown) => log.warn({ error }, 'upkeep of identity');
  const upkeep = startUpkeep(auth, { rotationDays: settings.JWT_ROTATION_DAYS, engine, onError: onUpkeepError });
  shutdown.add('upkeep', upkeep.stop);
  const onLimitError = (error: unknown) => log.warn({ error }, 'limits are not shared');
  const limiter = createLimiter({
    anonymousPerMinute: settings.RATE_LIMIT_PER_MINUTE,
    sharing: redis && { redis, onError: onLimitError },
  });
  return { database, engine, auth, webhooks: createWebhooks(database.db), vault, redis, limiter };
}

/** Starts what schedules and events are to start, where executions are worked on. */
function startTriggers({ settings, log, shutdown }: Start, { database, engine }: Services): void {
  if (settings.ROLE === 'api') return;
  const onError = (error: unknown, where: string) => log.error({ error }, where);
  for (const poll of [
    createScheduler({ database, engine, onError }),
    createEventHousekeeping({ database, engine, onError }),
  ]) {
    poll.start();
    shutdown.add('triggers', poll.stop);
  }
}

/** What was asked before is answered; those who wait for an execution are, as soon as the engine has drained. */
async function stopServing(app: FastifyInstance, { engine }: Services): Promise<void> {
  const closed = app.close();
  await engine.close();
  // Connections on which nothing was asked yet, as browsers open them in advance, do not count as idle.
  const late = setTimeout(() => app.server.closeAllConnections(), 1_000);
  await closed;
  clearTimeout(late);
}

async function serve(start: Start, services: Services): Promise<void> {
  const { settings, log, progress, shutdown } = start;
  const app = createServer({
    services,
    version: manifest.version,
    log,
    draining: shutdown.draining,
    branding: brandingOf(settings),
    corsOrigins: new Set(settings.CORS_ORIGINS),
    trustedProxies: settings.TRUSTED_PROXIES,
    httpsRequired: (settings.HTTPS_REQUIRED ?? (settings.ENVIRONMENT === 'production' ? 'yes' : 'no')) === 'yes',
  });
  shutdown.add('HTTP server', () => stopServing(app, services));
  await progress
    .step(`Listening on port ${settings.API_PORT}`, () =>
      app.listen({ host: settings.API_HOST, port: settings.API_PORT }),
    )
    .catch((error: unknown) => {
      throw listenFailure(error, settings);
    });
}

function howToSignIn({ email, password, generated }: Owner): string {
  const how = generated ? ` the password ${password}\n  It is shown only this once.` : ' your OWNER_PASSWORD.';
  return `  Sign in as ${email} with${how}\n`;
}

/** Where this process itself reaches its server. */
function ownUrl({ API_HOST, API_PORT }: Settings): string {
  const everywhere = API_HOST === '0.0.0.0' || API_HOST === '::';
  const host = API_HOST.includes(':') ? `[${API_HOST}]` : API_HOST;
  return `http://${everywhere ? 'localhost' : host}:${API_PORT}`;
}

async function showSample({ settings, progress }: Start, owner: Owner): Promise<void> {
  const url = ownUrl(settings);
  const { slug, output } = await progress.step('Sample workflow created, published and run', () =>
    runSample(url, owner),
  );
  const order = `{"name":"ada","qty":7,"price":30}`;
  progress.say(`
  The sample workflow answered ${order} with
    ${JSON.stringify(output)}
  Run it yourself:
    curl -X POST ${url}/hooks/${slug}/orders -H 'content-type: application/json' -d '${order}'
`);
}

async function main(start: Start): Promise<void> {
  const { settings, progress } = start;
  const url = await startDatabase(start);
  await progress
    .step('Database is up to date', () => migrate(url))
    .catch((error: unknown) => {
      throw databaseFailure(error, settings);
    });
  const services = await startServices(start, url);
  services.engine.work();
  // Before anybody can reach us: the first account owns the instance.
  const owner = await createOwner(
    { db: services.database.db, auth: services.auth },
    { email: settings.OWNER_EMAIL, password: settings.OWNER_PASSWORD },
  );
  try {
    if (settings.ROLE !== 'worker') await serve(start, services);
    startTriggers(start, services);
    if (owner && settings.ROLE === 'all') await showSample(start, owner);
  } finally {
    // Also when the rest failed: nobody will see this password again.
    if (owner) progress.say(howToSignIn(owner));
  }
  if (settings.ROLE === 'worker') return progress.say('Flowplane works. Ctrl-C stops it.');
  const address = settings.PUBLIC_URL ?? `http://localhost:${settings.API_PORT}`;
  progress.say(`Flowplane is ready on ${address} — API docs on ${address}/docs. Ctrl-C stops it.`);
}

const read = readConfig();
if ('mistakes' in read) {
  process.stderr.write(
    `Flowplane cannot start with these settings:\n${read.mistakes.map((line) => `  ${line}\n`).join('')}`,
  );
  process.exit(1);
}
const { settings } = read;
const production = settings.ENVIRONMENT === 'production';
const log = createLogger(
  settings.LOG_LEVEL,
  settings.LOG_FORMAT ?? (process.stdout.isTTY && !production ? 'pretty' : 'json'),
);
const shutdown = createShutdown(log);
const progress = createProgress(log, !production);
try {
  await main({ settings, log, progress, shutdown });
} catch (error) {
  const message = operatorMessage(error);
  if (message) process.stderr.write(`\n${message}\n`);
  else log.fatal({ error }, 'start failed');
  await shutdown.fail(undefined);
}
