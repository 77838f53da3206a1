import { spawnSync } from 'node:child_process';
import { expect, inject, test } from 'vitest';
import { soak } from './testing/soak.ts';

const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.warn('There is no redis-server on the PATH; the soak is skipped.');

test.skipIf(!hasRedis && !inject('ci'))(
  'workers, PostgreSQL and Redis fail under load: nothing is lost, doubled or stuck',
  async () => {
    const found = await soak({ kills: 3, executions: 40, partitionMs: 2_000, freezeMs: 2_000, healSeconds: 60 });
    expect(found.wrong).toEqual([]);
    expect(found.executions).toBe(40);
    expect(found.takenOver).toBeGreaterThan(0);
  },
  180_000,
);
