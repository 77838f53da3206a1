import { expect, test } from 'vitest';
import { definition } from './definition.ts';
import { limits } from './limits.ts';

const node = { id: 'a', type: 'transform' };
const hook = { id: 'hook', type: 'webhook', path: 'orders' };

function paths(value: unknown): string[] {
  return (definition.safeParse(value).error?.issues ?? []).map(({ path }) => path.join('.'));
}

test('what is left out is filled in, so that a stored definition is complete', () => {
  expect(definition.parse({ nodes: [node], triggers: [hook] })).toEqual({
    nodes: [{ ...node, params: {} }],
    edges: [],
    triggers: [{ ...hook, method: 'POST', respond: 'immediate' }],
  });
});

test('a mistake is named by its place: ids, unknown fields, paths that no URL has, and values that are not JSON', () => {
  expect(paths({ nodes: [] })).toEqual(['nodes']);
  expect(paths({ nodes: [{ ...node, id: '1a' }] })).toEqual(['nodes.0.id']);
  expect(paths({ nodes: [{ ...node, id: '__proto__' }] })).toEqual(['nodes.0.id']);
  expect(paths({ nodes: [{ ...node, parms: {} }] })).toEqual(['nodes.0']);
  expect(paths({ nodes: [{ ...node, params: { value: Number.NaN } }] })).toEqual(['nodes.0.params.value']);
  expect(paths({ nodes: [{ ...node, name: 'a\0' }] })).toEqual(['nodes.0.name']);
  for (const path of ['', '/orders', 'orders/', 'a//b', '../a', 'a/..', 'a b', 'a?b', 'ä', 'a'.repeat(201)]) {
    expect(paths({ nodes: [node], triggers: [{ ...hook, path }] }), path).toEqual(['triggers.0.path']);
  }
});

test('the bounds on nodes, edges and triggers hold exactly', () => {
  const nodes = Array.from({ length: limits.nodes }, (_, i) => ({ ...node, id: `n${i}` }));
  expect(paths({ nodes })).toEqual([]);
  expect(paths({ nodes: [...nodes, node] })).toEqual(['nodes']);
  const edges = Array.from({ length: limits.edges + 1 }, () => ({ from: 'a', to: 'a' }));
  expect(paths({ nodes: [node], edges })).toEqual(['edges']);
  const triggers = Array.from({ length: limits.triggers + 1 }, () => hook);
  expect(paths({ nodes: [node], triggers })).toEqual(['triggers']);
});

test('schedules and events are triggers, too: what is left out is filled in, and what is out of bounds is refused', () => {
  const nightly = { id: 'nightly', type: 'schedule', cron: '0 3 * * *' };
  const created = { id: 'created', type: 'event', event: 'order.created' };
  expect(definition.parse({ nodes: [node], triggers: [nightly, created] }).triggers).toEqual([
    { ...nightly, timezone: 'UTC', jitterSeconds: 0, overlap: 'skip', catchUp: 'last', input: {} },
    created,
  ]);
  for (const [field, wrong] of Object.entries({
    cron: '*'.repeat(101),
    timezone: '',
    jitterSeconds: limits.jitterSeconds + 1,
    overlap: 'allow',
    catchUp: true,
    input: [],
  })) {
    expect(paths({ nodes: [node], triggers: [{ ...nightly, [field]: wrong }] })).toEqual([`triggers.0.${field}`]);
  }
  for (const event of ['', 'order created', '.order', 'é', 'a'.repeat(201)]) {
    expect(paths({ nodes: [node], triggers: [{ ...created, event }] }), event).toEqual(['triggers.0.event']);
  }
  expect(paths({ nodes: [node], triggers: [{ ...created, match: 'x'.repeat(2_001) }] })).toEqual(['triggers.0.match']);
  expect(paths({ nodes: [node], triggers: [{ ...created, cron: '* * * * *' }] })).toEqual(['triggers.0']);
});
