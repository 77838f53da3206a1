import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Services } from './services.ts';

/** How long a dependency may take to answer before it counts as down. */
const patienceMs = 2_000;

async function isUp(check: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs);
  });
  const up = await Promise.race([check().then(() => true), late]).catch(() => false);
  clearTimeout(timer);
  return up;
}

/**
 * `GET /` says what this is, `/health` that the process lives, `/ready` whether it can serve: 503 while a dependency is down
 * or the process is draining.
 */
export function registerHealth(
  app: FastifyInstance,
  { services, version, log, draining }: { services: Services; version: string; log: Logger; draining: () => boolean },
): void {
  const { database, engine, redis } = services;
  const checks: Record<string, () => Promise<unknown>> = {
    database: () => database.pool.query('select 1'),
    queue: () => engine.check(),
    ...(redis ? { redis: () => redis.ping() } : {}),
  };

  app.get('/', async () => ({
    name: 'Flowplane',
    version,
    status: draining() ? 'stopping' : 'running',
    links: { docs: '/docs', redoc: '/redoc', openapi: '/openapi.json', health: '/health', ready: '/ready' },
  }));

  app.get('/health', async () => ({ status: 'ok', uptimeSeconds: Math.round(process.uptime()) }));

  app.get('/ready', async (_, reply) => {
    const entries = await Promise.all(
      Object.entries(checks).map(
        async ([name, check]): Promise<[string, 'up' | 'down']> => [name, (await isUp(check)) ? 'up' : 'down'],
      ),
    );
    const down = entries.filter(([, state]) => state === 'down').map(([name]) => name);
    const ready = down.length === 0 && !draining();
    if (down.length > 0) log.warn({ down }, 'not ready');
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? 'ready' : draining() ? 'stopping' : 'not ready', checks: Object.fromEntries(entries) });
  });
}
