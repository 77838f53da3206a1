import { afterAll, beforeAll, expect, test } from 'vitest';
import { testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api[Symbol.asyncDispose]());

test('every node type is listed with what an editor needs of it', async () => {
  const ann = await api.member();
  const { items } = await ann.api.nodeTypes.list();
  expect(items.map(({ type }) => type).sort()).toEqual([...api.engine.nodeTypes.keys()].sort());
  for (const { title, description, params, ports } of items) {
    expect(title).not.toBe('');
    expect(description).not.toBe('');
    expect(params).toMatchObject({ type: 'object' });
    expect(ports.length + Number(title === 'Fail')).toBeGreaterThan(0);
  }
  const of = (type: string) => items.find((item) => item.type === type);
  expect(of('if')).toMatchObject({ ports: ['true', 'false'], body: null });
  expect(of('forEach')).toMatchObject({ body: 'body', defaults: { concurrency: 10, onItemError: 'fail' } });
  expect(of('filter')?.perItem).toContain('where');
  expect(await ann.api.nodeTypes.list()).toEqual({ items });
});
