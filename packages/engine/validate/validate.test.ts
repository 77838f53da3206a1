import { definition as definitionSchema } from '@flowplane/contract/definition';
import { codeError, compileTemplate } from '@flowplane/expressions/template';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineNode } from '../node-type.ts';
import { type DefinitionInput, typesOf } from '../testing/engine.ts';
import { basics } from '../testing/nodes.ts';
import { definitionErrors } from './validate.ts';

const code = defineNode({
  type: 'code',
  title: 'For a test',
  description: 'For a test',
  params: z.strictObject({ code: z.string().min(1) }),
  literal: ['code'],
  check({ code: body }) {
    const error = typeof body === 'string' ? codeError(body) : undefined;
    return error ? [{ path: ['code'], message: error.message }] : [];
  },
  run: () => ({ output: null }),
});
const types = typesOf([...basics, code]);

function errors(definition: DefinitionInput) {
  return definitionErrors(definitionSchema.parse(definition), types);
}

const say = (id: string, value = 'x') => ({ id, type: 'value', params: { value } });
const edge = (from: string, to: string, port?: string) => (port ? { from, to, port } : { from, to });

test('a sound definition has no errors; templated values may take any shape', () => {
  const definition: DefinitionInput = {
    nodes: [
      say('a'),
      { id: 'slow', type: 'later', params: { ms: '{{ nodes.a.length }}' } },
      { id: 'fork', type: 'pick', params: { port: '{{ nodes.slow ? "a" : "b" }}' } },
      say('b', '{{ nodes.fork + (nodes["a"] ?? input.x) }}'),
      { id: 'code', type: 'code', params: { code: 'const x = {{a: 1}}.a' } },
    ],
    edges: [edge('a', 'slow'), edge('slow', 'fork'), edge('fork', 'b', 'a')],
    output: '{{ nodes.b ?? nodes.code }}',
  };
  const [only, ...more] = errors(definition);
  expect(only?.path).toBe('nodes[4].params.code');
  expect(more).toEqual([]);
  definition.nodes[4] = { id: 'code', type: 'code', params: { code: 'return {a: "{{ no template }}"}' } };
  expect(errors(definition)).toEqual([]);
});

test('each mistake is named with its node and field', () => {
  const ok = [say('a'), say('b')];
  const cases: [DefinitionInput, string, RegExp][] = [
    [
      { nodes: [{ id: 'a', type: 'vlaue' }] },
      'nodes[0].type',
      /vlaue \(node a\) is not a node type; there are .*value/,
    ],
    [{ nodes: ok, edges: [edge('a', 'c')] }, 'edges[0].to', /no node with the id c/],
    [{ nodes: ok, edges: [edge('c', 'a')] }, 'edges[0].from', /no node with the id c/],
    [{ nodes: [say('a'), say('b'), say('a')] }, 'nodes[2].id', /another node has the id a/],
    [{ nodes: ok, edges: [edge('a', 'b', 'true')] }, 'edges[0].port', /a \(value\) has the ports out, not true/],
    [{ nodes: ok, edges: [edge('a', 'b'), edge('a', 'b', 'out')] }, 'edges[1]', /the same edge/],
    [{ nodes: ok, edges: [edge('a', 'a')] }, 'edges', /cycle: a$/],
    [{ nodes: ok, edges: [edge('a', 'b'), edge('b', 'a')] }, 'edges', /cycle: a, b$/],
    [{ nodes: [say('a', '{{ 1 + }}')] }, 'nodes[0].params.value', /\(node a\)/],
    [{ nodes: [say('a', 'open {{ 1')] }, 'nodes[0].params.value', /\(node a\)/],
    [{ nodes: [{ id: 'a', type: 'later', params: { ms: 'soon' } }] }, 'nodes[0].params.ms', /number.*\(node a\)/],
    [{ nodes: [{ id: 'a', type: 'later' }] }, 'nodes[0].params.ms', /\(node a\)/],
    [{ nodes: [{ id: 'a', type: 'value', params: { vaule: '{{ 1 }}' } }] }, 'nodes[0].params', /vaule.*\(node a\)/],
    [{ nodes: [say('a', '{{ nodes.zz }}')] }, 'nodes[0].params.value', /nodes\.zz does not exist \(node a\)/],
    [{ nodes: [say('a'), say('b', '{{ nodes.a }}')] }, 'nodes[1].params.value', /nodes\.a comes not before b/],
    [{ nodes: [say('a', '{{ nodes.a }}')] }, 'nodes[0].params.value', /nodes\.a comes not before a/],
    [{ nodes: ok, output: { deep: ['{{ nodes.zz }}'] } }, 'output', /nodes\.zz does not exist/],
    [{ nodes: ok, output: { deep: ['{{ ( }}'] } }, 'output.deep[0]', /./],
    [{ nodes: [{ id: 'a', type: 'code', params: { code: 'return (' } }] }, 'nodes[0].params.code', /\(node a\)/],
  ];
  for (const [definition, path, message] of cases) {
    const [first, ...more] = errors(definition);
    expect(first).toEqual({ path, message: expect.stringMatching(message) });
    expect(more).toEqual([]);
  }
});

test('two webhooks of one workflow on the same path and method are refused; on another method they are not', () => {
  const hook = (id: string, method: 'GET' | 'POST') => ({ id, type: 'webhook' as const, path: 'orders', method });
  expect(errors({ nodes: [say('a')], triggers: [hook('x', 'POST'), hook('y', 'GET')] })).toEqual([]);
  expect(errors({ nodes: [say('a')], triggers: [hook('x', 'POST'), hook('y', 'POST')] })).toMatchObject([
    { path: 'triggers[1].path' },
  ]);
  expect(errors({ nodes: [say('a')], triggers: [hook('x', 'POST'), hook('x', 'GET')] })).toMatchObject([
    { path: 'triggers[1].id' },
  ]);
});

test('of a cycle, only the nodes in it are named, not those that come before or after', () => {
  const after = Array.from({ length: 20 }, (_, index) => say(`after${index}`));
  const chain = after.slice(1).map(({ id }, index) => edge(`after${index}`, id));
  const nodes = [say('before'), ...after, say('x'), say('y')];
  const edges = [edge('before', 'x'), edge('x', 'y'), edge('y', 'x'), edge('y', 'after0'), ...chain];
  expect(errors({ nodes, edges })).toEqual([{ path: 'edges', message: expect.stringMatching(/cycle: x, y$/) }]);
});

/** The least milliseconds of several tries: what others do on the machine only adds to it. */
function least(work: () => void): number {
  let ms = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 7; tries += 1) {
    const started = performance.now();
    work();
    ms = Math.min(ms, performance.now() - started);
  }
  return ms;
}

test('the largest definition is checked in no more than a few times what compiling its expressions takes', () => {
  const nodes = Array.from({ length: 1_000 }, (_, index) => ({
    id: `n${index}`,
    type: 'value',
    params: { value: index === 0 ? 'x' : `{{ nodes.n${index - 1} }} and {{ nodes.n0.a.b }}` },
  }));
  // A chain, so that every node has all earlier ones before it, and as many further edges as there may be.
  const edges = nodes.flatMap((_, to) =>
    Array.from({ length: Math.min(to, 10) }, (_from, back) => edge(`n${to - 1 - back}`, `n${to}`)),
  );
  const definition = definitionSchema.parse({ nodes, edges });
  const compiling = least(() => {
    for (const { params } of definition.nodes) compileTemplate(params);
  });
  const checking = least(() => expect(definitionErrors(definition, types)).toEqual([]));
  expect(checking / compiling).toBeLessThan(6);
});

test('a concurrency key is a template over the input only', () => {
  const keyed = (key: string) => errors({ nodes: [say('a')], concurrency: { limit: 1, key } });
  expect(keyed('{{ input.customerId }}')).toEqual([]);
  for (const [key, message] of [
    ['{{ nodes.a }}', /can only use input.*nodes/],
    ['{{ input. }}', /./],
  ] as const) {
    expect(keyed(key)).toEqual([{ path: 'concurrency.key', message: expect.stringMatching(message) }]);
  }
});
