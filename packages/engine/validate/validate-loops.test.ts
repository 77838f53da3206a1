import { definition as definitionSchema } from '@flowplane/contract/definition';
import { limits } from '@flowplane/contract/limits';
import { expect, test } from 'vitest';
import { type DefinitionInput, typesOf } from '../testing/engine.ts';
import { basics, each, node } from '../testing/nodes.ts';
import { definitionErrors } from './validate.ts';

type NodeInput = DefinitionInput['nodes'][number];

const types = typesOf([...basics, node('ported', () => ({ output: null }))]);

function errorsOf(definition: DefinitionInput): string[] {
  return definitionErrors(definitionSchema.parse(definition), types).map(({ path, message }) => `${path}: ${message}`);
}

function loop(id: string, body: object, more: object = {}): NodeInput {
  return { id, type: each.type, params: JSON.parse(JSON.stringify({ items: [1], body, ...more })) };
}

const value = (id: string, text = 'x'): NodeInput => ({ id, type: 'value', params: { value: text } });

test('a mistake in the body of a loop is named by its whole path', () => {
  const body = { nodes: [value('a', '{{ nodes.ghost }}'), { id: 'b', type: 'nope' }], edges: [{ from: 'a', to: 'c' }] };
  const errors = errorsOf({ nodes: [value('first'), loop('loop', body)], edges: [] });
  expect(errors).toContain('nodes[1].params.body.edges[0].to: there is no node with the id c');
  expect(errors.find((error) => error.startsWith('nodes[1].params.body.nodes[1].type: nope (node b)'))).toBeDefined();
  const named = { nodes: [value('a', '{{ nodes.ghost }}')] };
  expect(errorsOf({ nodes: [loop('loop', named)], edges: [] })).toEqual([
    'nodes[0].params.body.nodes[0].params.value: nodes.ghost does not exist (node a)',
  ]);
});

test('a body sees what is before its loop, what is after it does not see the body', () => {
  const inside = { nodes: [value('inner', '{{ nodes.before + item }}')], output: '{{ nodes.inner + nodes.before }}' };
  const definition: DefinitionInput = {
    nodes: [
      value('before'),
      loop('loop', inside, { until: '{{ nodes.inner > 3 }}' }),
      value('after', '{{ nodes.inner }}'),
    ],
    edges: [
      { from: 'before', to: 'loop' },
      { from: 'loop', to: 'after' },
    ],
  };
  expect(errorsOf(definition)).toEqual(['nodes[2].params.value: nodes.inner does not exist (node after)']);
  const unordered: DefinitionInput = { nodes: [value('before'), loop('loop', inside)], edges: [] };
  expect(errorsOf(unordered)).toHaveLength(2);
});

test('cycles, the same id twice and bad expressions are found at any depth', () => {
  const cyclic = {
    nodes: [value('x'), value('y')],
    edges: [
      { from: 'x', to: 'y' },
      { from: 'y', to: 'x' },
    ],
  };
  expect(errorsOf({ nodes: [loop('outer', { nodes: [loop('inner', cyclic)] })], edges: [] })).toEqual([
    'nodes[0].params.body.nodes[0].params.body.edges: these nodes wait for each other in a cycle: x, y',
  ]);
  const twice = errorsOf({ nodes: [value('same'), loop('loop', { nodes: [value('same')] })], edges: [] });
  expect(twice).toEqual(['nodes[1].params.body.nodes[0].id: another node has the id same too']);
  const bad = errorsOf({
    nodes: [loop('loop', { nodes: [value('a')], output: '{{ 1 + }}' }, { until: '{{ ) }}' })],
    edges: [],
  });
  expect(bad.some((error) => error.startsWith('nodes[0].params.body.output'))).toBe(true);
  expect(bad.some((error) => error.startsWith('nodes[0].params.until'))).toBe(true);
});

test('loops are only so deep, and nodes within them count', () => {
  let body: object = { nodes: [value('leaf')] };
  for (let depth = 0; depth <= limits.depth; depth += 1) body = { nodes: [loop(`d${depth}`, body)] };
  expect(errorsOf({ nodes: [loop('top', body)], edges: [] }).some((error) => error.includes('deep'))).toBe(true);
  const many = { nodes: Array.from({ length: 600 }, (_, index) => value(`n${index}`)) };
  const more = { nodes: Array.from({ length: 600 }, (_, index) => value(`m${index}`)) };
  const [first] = errorsOf({ nodes: [loop('a', many), loop('b', more)], edges: [] });
  expect(first).toBe(`nodes: there are 1202 nodes, those in loops included; at most ${limits.nodes}`);
});

test('settings that cannot work are refused', () => {
  const errors = errorsOf({
    nodes: [
      { ...loop('loop', { nodes: [value('a')] }), retry: {}, timeoutMs: 5, heartbeatTimeoutMs: 5 },
      { id: 'pick', type: 'pick', params: { port: 'a' }, pin: { output: 1, port: 'c' } },
      { ...value('branchy'), onError: 'branch' },
      { ...value('after'), heartbeatTimeoutMs: 5 },
    ],
    edges: [
      { from: 'branchy', port: 'error', to: 'after' },
      { from: 'pick', port: 'error', to: 'after' },
    ],
  });
  expect(errors.map((error) => error.split(':')[0]).sort()).toEqual([
    'edges[1].port',
    'nodes[0].heartbeatTimeoutMs',
    'nodes[0].retry',
    'nodes[0].timeoutMs',
    'nodes[1].pin.port',
    'nodes[3].heartbeatTimeoutMs',
  ]);
  expect(errors).toContain(
    'nodes[3].heartbeatTimeoutMs: is not possible, as value gives no signs of life; use timeoutMs (node after)',
  );
});
