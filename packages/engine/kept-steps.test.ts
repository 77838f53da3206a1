import { expect, test } from 'vitest';
import { keptNodes, type PastStep } from './kept-steps.ts';

function graph(edges: string, type = 'value') {
  const pairs = edges.split(' ').map((edge) => edge.split('>'));
  const ids = [...new Set(pairs.flat())];
  return {
    nodes: ids.map((id) => ({ id, type, params: {} })),
    edges: pairs.flatMap(([from, to]) => (from && to ? [{ from, to }] : [])),
  };
}

function past(text: string): PastStep[] {
  return text.split(' ').map((entry) => {
    const [nodeId = '', status = 'completed', port = null] = entry.split(':');
    if (status !== 'completed' && status !== 'failed' && status !== 'skipped' && status !== 'cancelled') {
      throw new Error(`no status: ${status}`);
    }
    return { nodeId, type: 'value', status, port };
  });
}

test.each<[string, string, string, string | undefined, string[]]>([
  ['what does not come after the node', 'a>b b>c a>d', 'a b c d', 'b', ['a', 'd']],
  ['nothing from the first node', 'a>b b>c', 'a b c', 'a', []],
  ['everything but what failed and what follows', 'a>b b>c a>d', 'a b:failed d', undefined, ['a', 'd']],
  ['a failure that was dealt with', 'a>b b>c', 'a:failed:error b c:failed', undefined, ['a', 'b']],
  ['nothing after a node that has not run', 'a>b b>c a>c', 'a c', undefined, ['a']],
  ['nothing that was stopped', 'a>b b>c', 'a b:cancelled', undefined, ['a']],
  [
    'what follows a way that was passed by, but not the skipped steps',
    'a>b b>c a>c',
    'a b:skipped c',
    undefined,
    ['a', 'c'],
  ],
  ['nothing after a skipped node that is to run', 'a>b b>c a>c', 'a b:skipped c', 'b', ['a']],
  ['no step of a node that is gone', 'a>c', 'a b c', 'c', ['a']],
  ['nothing after a node that is new', 'a>n n>c', 'a c', undefined, ['a']],
])('keeps %s', (_, edges, steps, from, kept) => {
  expect([...keptNodes(graph(edges), past(steps), from)]).toEqual(kept);
});

test('a step of a node whose type is another now is not kept, nor is what follows it', () => {
  const { nodes, edges } = graph('a>b b>c');
  const changed = nodes.map((node) => (node.id === 'b' ? { ...node, type: 'other' } : node));
  expect([...keptNodes({ nodes: changed, edges }, past('a b c'), 'c')]).toEqual(['a']);
});
