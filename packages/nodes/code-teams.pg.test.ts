import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { openBench } from '@flowplane/engine/testing/engine';
import { insertTeam } from '@flowplane/engine/testing/team';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { expect, test } from 'vitest';
import { builtinNodes } from './index.ts';

test('threat 38: a hundred code nodes of one team that never end hold up no run of another team', async () => {
  await using stack = new AsyncDisposableStack();
  const sandbox = createSandbox();
  stack.defer(() => sandbox.close());
  const egress = createGuardedFetch({ allowPrivate: [] });
  stack.defer(() => egress.close());
  const bench = stack.use(await openBench());
  const engine = bench.engine(builtinNodes({ sandbox, fetch: egress.fetch }));
  const code = 'for (;;) {}';
  const hanging = Array.from({ length: 100 }, (_, n) => ({
    id: `n${n}`,
    type: 'code',
    params: { code, timeoutSeconds: 60 },
  }));
  const { execution: stuck } = await engine.start(await bench.request({ nodes: hanging }));
  const other = await insertTeam(bench.database.pool, 'other');
  const request = await other.request({
    nodes: [
      { id: 'twice', type: 'code', params: { code: 'return input * 2' } },
      { id: 'large', type: 'filter', params: { items: [1, 2, 3], where: '{{ new Set([item]).has(3) }}' } },
    ],
  });
  // One after the other, so that the hanging ones have time to take all that they can get.
  for (let n = 0; n < 20; n += 1) {
    const { held } = await engine.start({ ...request, input: n });
    expect(await held).toMatchObject({ status: 'completed', output: { twice: n * 2, large: [3] } });
  }
  expect(await engine.wait(bench.teamId, stuck.id, 0)).toMatchObject({ status: 'running' });
  await engine.cancel(bench.teamId, stuck.id);
  expect(bench.errors).toEqual([]);
});
