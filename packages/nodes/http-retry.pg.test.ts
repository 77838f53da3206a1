import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { startServer } from '@flowplane/egress/test-server';
import { openBench } from '@flowplane/engine/testing/engine';
import { expect, test } from 'vitest';
import { httpRequest } from './http-request.ts';

test('a retry waits for as long as `Retry-After` asks', async () => {
  const times: number[] = [];
  await using server = await startServer(
    (_, response) => {
      times.push(performance.now());
      if (times.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else response.end('done');
    },
    { host: '127.0.0.1' },
  );
  const egress = createGuardedFetch({ allowPrivate: ['127.0.0.1'] });
  await using stack = new AsyncDisposableStack();
  stack.defer(egress.close);
  const bench = stack.use(await openBench());
  const engine = bench.engine([httpRequest(egress.fetch)]);
  engine.work();
  const ended = await bench.run(engine, {
    nodes: [
      {
        id: 'a',
        type: 'http.request',
        params: { url: `http://127.0.0.1:${server.port}/` },
        retry: { maxAttempts: 2, intervalMs: 1, jitter: 'none' },
      },
    ],
    output: '{{ nodes.a.body }}',
  });
  expect(ended).toMatchObject({ status: 'completed', output: 'done' });
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(950);
});
