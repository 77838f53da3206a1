import { definition as definitionSchema } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { definitionErrors } from '@flowplane/engine/validate/validate';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { expect, test } from 'vitest';
import { builtinNodes } from './index.ts';

const types = builtinNodes({ sandbox: createSandbox(), fetch: createGuardedFetch({ allowPrivate: [] }).fetch });

/** What is wrong with one node that comes after a node called `before`. */
function errors(type: string, params: { [key: string]: Json }) {
  const nodes = [
    { id: 'before', type: 'transform', params: { value: [] } },
    { id: 'other', type: 'transform', params: { value: [] } },
    { id: 'x', type, params },
  ];
  return definitionErrors(definitionSchema.parse({ nodes, edges: [{ from: 'before', to: 'x' }] }), types);
}

const items = '{{ nodes.before }}';

test('params that are evaluated per item may name the item and the nodes before', () => {
  expect(errors('filter', { items, where: '{{ item.total > nodes.before.length && index > 0 }}' })).toEqual([]);
  expect(errors('sort', { items, by: [{ by: '{{ item.a }}' }, { by: 'b.0.c' }], order: '{{ input.order }}' })).toEqual(
    [],
  );
  expect(
    errors('aggregate', { items, groupBy: { m: '{{ item.m }}' }, values: { n: { op: 'sum', of: '{{ item.n }}' } } }),
  ).toEqual([]);
  expect(errors('merge', { values: '{{ nodes.before }}', mode: 'join', on: '{{ item.id }}' })).toEqual([]);
});

test.each<[string, { [key: string]: Json }, string, RegExp]>([
  ['filter', { items, where: '{{ item. }}' }, 'where', /\(node x\)/],
  ['filter', { items, where: '{{ item.total > 100' }, 'where', /\(node x\)/],
  ['filter', { items, where: 'item.total > 100' }, 'where', /must be a path .* or an expression/],
  ['filter', { items, where: '{{ nodes.other.n < item }}' }, 'where', /nodes\.other comes not before x/],
  ['filter', { items, where: '{{ nodes.nowhere }}' }, 'where', /nodes\.nowhere does not exist/],
  ['filter', { items: 'orders', where: 'a' }, 'items', /must be a list/],
  ['sort', { items, by: [{ by: 'a' }, { by: '{{ ) }}' }] }, 'by[1].by', /\(node x\)/],
  [
    'sort',
    { items, by: [{ by: 'a', order: '{{ input.order }}' }] },
    'by',
    /a list of keys \{by, order\}, with asc or desc/,
  ],
  ['aggregate', { items, values: { n: { op: 'sum', of: '{{ 1 + }}' } } }, 'values.n.of', /\(node x\)/],
  ['aggregate', { items, values: { n: { op: 'median', of: '{{ item }}' } } }, 'values.n.op', /\(node x\)/],
  ['aggregate', { items, groupBy: ['{{ item.a }}'] }, 'groupBy[0]', /give it a name/],
  ['aggregate', { items: [], groupBy: '{{ item.a }}', values: { key: { op: 'count' } } }, 'groupBy', /called key/],
  ['merge', { values: [[], []], mode: 'join', on: { left: 'a', right: '{{ }}' } }, 'on.right', /empty/],
  ['merge', { values: [[], []], mode: 'join' }, 'on', /is needed/],
  ['http.request', { url: 'https://a.example', pagination: { mode: 'next', next: 'a b' } }, 'pagination.next', /path/],
  ['http.request', { url: 'https://a.example', body: 1, bodyType: 'text' }, 'body', /must be a string/],
])('%s %j is refused at %s', (type, params, field, message) => {
  const [first, ...more] = errors(type, params);
  expect(first).toEqual({ path: `nodes[2].params.${field}`, message: expect.stringMatching(message) });
  expect(more).toEqual([]);
});
