import { type Definition, definition as definitionSchema } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import type { ValueChange, WorkflowDiff } from '@flowplane/contract/workflow-diff';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answering, chain } from '../test-api.ts';
import { diffDefinitions } from './diff.ts';

function copy<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value));
}

function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function define(target: object, key: string, value: Json | undefined): void {
  if (value === undefined) Reflect.deleteProperty(target, key);
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Does what changes say, by RFC 6901 and nothing else. */
function change<Part extends object>(part: Part, changes: ValueChange[]): Part {
  const changed = copy(part);
  for (const { path, to } of changes) {
    const keys = keysOf(path);
    const last = keys.pop() ?? '';
    let target: object = changed;
    for (const key of keys) target = Object.getOwnPropertyDescriptor(target, key)?.value;
    define(target, last, to);
  }
  return changed;
}

function changeParts<Part extends { id: string }>(
  parts: Part[],
  { added, removed, changed }: { added: Part[]; removed: Part[]; changed: { id: string; changes: ValueChange[] }[] },
): Part[] {
  const gone = new Set(removed.map(({ id }) => id));
  const stay = parts.filter(({ id }) => !gone.has(id));
  return [...stay.map((part) => change(part, changed.find(({ id }) => id === part.id)?.changes ?? [])), ...added];
}

function apply({ nodes, edges, triggers, ...settings }: Definition, diff: WorkflowDiff): Definition {
  const gone = new Set(diff.edges.removed.map((edge) => JSON.stringify(edge)));
  return definitionSchema.parse({
    ...change(settings, diff.settings),
    nodes: changeParts(nodes, diff.nodes),
    edges: [...edges.filter((edge) => !gone.has(JSON.stringify(edge))), ...diff.edges.added],
    triggers: changeParts(triggers, diff.triggers),
  });
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

/** Without the orders that mean nothing. */
function ordered({ nodes, edges, triggers, ...settings }: Definition) {
  const byId = <Part extends { id: string }>(parts: Part[]) => parts.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { ...settings, nodes: byId(nodes), edges: edges.toSorted(byText), triggers: byId(triggers) };
}

const ids = ['a', 'b', 'c', 'd'];
const value = fc.jsonValue({ maxDepth: 3 }).map((any): Json => JSON.parse(JSON.stringify(any)));
const key = fc.constantFrom('x', 'y/z', '~1', '__proto__', 'constructor', '');
const fields = fc.dictionary(key, value, { maxKeys: 4 });
const node = fc.record(
  {
    type: fc.constantFrom('transform', 'if'),
    params: fields,
    name: fc.string({ maxLength: 5, unit: 'grapheme-ascii' }),
    disabled: fc.boolean(),
    pin: fc.record({ output: value }),
  },
  { requiredKeys: ['type', 'params'] },
);
const edge = fc.record(
  { from: fc.constantFrom(...ids), to: fc.constantFrom(...ids), port: fc.constantFrom('true', 'false') },
  { requiredKeys: ['from', 'to'] },
);
const trigger = fc.oneof(
  fc.record({ type: fc.constant('webhook'), path: fc.constantFrom('orders', 'shop') }),
  fc.record({ type: fc.constant('event'), event: fc.constantFrom('order.created', 'order.paid') }),
);
const drawn = fc
  .record(
    {
      nodes: fc.tuple(node, fc.array(node, { maxLength: 3 })).map(([first, more]) => [first, ...more]),
      edges: fc.uniqueArray(edge, { maxLength: 4, selector: (each) => JSON.stringify(each) }),
      triggers: fc.array(trigger, { maxLength: 3 }),
      output: value,
      timeoutSeconds: fc.integer({ min: 1, max: 9 }),
    },
    { requiredKeys: ['nodes', 'edges', 'triggers'] },
  )
  .chain((parts) =>
    fc.shuffledSubarray(ids, { minLength: 4 }).map((names) =>
      definitionSchema.parse({
        ...parts,
        nodes: parts.nodes.map((each, index) => ({ id: names[index], ...each })),
        triggers: parts.triggers.map((each, index) => ({ id: names[index], ...each })),
      }),
    ),
  );

const nothing = {
  nodes: { added: [], removed: [], changed: [] },
  edges: { added: [], removed: [] },
  triggers: { added: [], removed: [], changed: [] },
  settings: [],
};

test('nothing differs between equal definitions, in whatever order their parts and keys are', () => {
  fc.assert(
    fc.property(drawn, (definition) => {
      const turned = {
        ...copy(definition),
        nodes: copy(definition.nodes).reverse(),
        edges: copy(definition.edges).reverse(),
        triggers: copy(definition.triggers).reverse(),
      };
      expect(diffDefinitions(definition, turned)).toEqual(nothing);
    }),
  );
});

test('what a diff says, done to the one definition, makes the other of it', () => {
  fc.assert(
    fc.property(drawn, drawn, (from, to) => {
      expect(ordered(apply(from, copy(diffDefinitions(from, to))))).toEqual(ordered(copy(to)));
    }),
    { numRuns: 500 },
  );
});

test('a diff names the deepest values that differ, with what they were and are', () => {
  const params = (tier: string, list: number[]) => ({ value: { tier, 'a/b~': { list } } });
  const from = chain({ id: 'n', type: 'transform', params: params('gold', [1, 2]) });
  const to = { ...chain({ id: 'n', type: 'transform', params: params('silver', [1, 3]), name: 'N' }), output: 1 };
  expect(diffDefinitions(from, to)).toEqual({
    ...nothing,
    nodes: {
      ...nothing.nodes,
      changed: [
        {
          id: 'n',
          changes: [
            { path: '/params/value/tier', from: 'gold', to: 'silver' },
            { path: '/params/value/a~1b~0/list/1', from: 2, to: 3 },
            { path: '/name', to: 'N' },
          ],
        },
      ],
    },
    settings: [{ path: '/output', to: 1 }],
  });
});

test('a list that is longer or shorter is one change', () => {
  const { nodes } = diffDefinitions(answering([1, 2]), answering([1, 2, 3]));
  expect(nodes.changed).toEqual([{ id: 'a', changes: [{ path: '/params/value', from: [1, 2], to: [1, 2, 3] }] }]);
});
