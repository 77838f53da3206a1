import type { Definition } from '@flowplane/contract/definition';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Journal, StepRecord } from '../journal/journal.ts';
import { typesOf } from '../testing/engine.ts';
import { pick } from '../testing/nodes.ts';
import { compileGraph, type Graph } from './graph.ts';
import { plan } from './plan.ts';

type Case = { definition: Definition; ports: Map<string, string>; order: number[] };

const port = fc.constantFrom('a', 'b', 'out');

/** A random acyclic graph in shuffled order, the port that each node takes, and the order in which steps finish. */
const anyCase: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 12 }).chain((size) => {
  const ids = Array.from({ length: size }, (_, index) => `n${index}`);
  const edge = fc
    .tuple(fc.nat(size - 1), fc.nat(size - 1), port)
    .filter(([from, to]) => from < to)
    .map(([from, to, name]) => ({ from: `n${from}`, to: `n${to}`, ...(name === 'out' ? {} : { port: name }) }));
  return fc
    .record({
      nodes: fc.shuffledSubarray(ids, { minLength: size }),
      edges: fc.array(edge, { maxLength: size > 1 ? 30 : 0 }),
      ports: fc.array(port, { minLength: size, maxLength: size }),
      order: fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
    })
    .map(({ nodes, edges, ports, order }) => ({
      definition: { nodes: nodes.map((id) => ({ id, type: 'pick', params: { port: '' } })), edges, triggers: [] },
      ports: new Map(ids.map((id, index) => [id, ports[index] ?? 'out'])),
      order,
    }));
});

function stepOf(id: string, status: StepRecord['status'], taken?: string): StepRecord {
  const nothing = {
    sequence: 0,
    inputText: undefined,
    output: undefined,
    outputText: undefined,
    error: undefined,
    progressText: undefined,
  };
  const nothingAwaited = { suspension: undefined, resolution: undefined };
  const times = { wait: undefined, wakeAtMs: undefined, startedAt: undefined, finishedAt: undefined };
  return {
    path: id,
    position: 0,
    nodeId: id,
    type: 'pick',
    status,
    attempt: 1,
    port: taken,
    ...nothing,
    ...nothingAwaited,
    ...times,
  };
}

/** Who runs, said once more and differently: backwards from each node. */
function runsByRule({ definition, ports }: Case, id: string): boolean {
  const incoming = definition.edges.filter((edge) => edge.to === id);
  if (incoming.length === 0) return true;
  return incoming.some((edge) => runsByRule({ definition, ports, order: [] }, edge.from) && taken(ports, edge));
}

function taken(ports: Map<string, string>, edge: { from: string; port?: string | undefined }): boolean {
  return ports.get(edge.from) === (edge.port ?? 'out');
}

/** Applies plans until nothing is left, finishing steps in the order that `order` draws. Checks each plan on the way. */
function driveToEnd(graph: Graph, { definition, ports, order }: Case): Map<string, string> {
  const journal: Journal = new Map();
  const inFlight: string[] = [];
  for (let turn = 0; ; turn += 1) {
    const next = plan(graph, journal);
    expect(plan(graph, new Map(journal))).toEqual(next);
    for (const { id } of [...next.run, ...next.skip]) expect(journal.has(id)).toBe(false);
    for (const { id } of next.skip) journal.set(id, stepOf(id, 'skipped'));
    for (const { id } of next.run) {
      for (const edge of definition.edges.filter(({ to }) => to === id)) {
        expect(['completed', 'skipped']).toContain(journal.get(edge.from)?.status);
      }
      journal.set(id, stepOf(id, 'running'));
      inFlight.push(id);
    }
    if (inFlight.length === 0) break;
    const [id = ''] = inFlight.splice((order[turn % order.length] ?? 0) % inFlight.length, 1);
    const port = ports.get(id);
    journal.set(id, stepOf(id, 'completed', port === 'out' ? undefined : port));
  }
  return new Map([...journal.values()].map((step) => [step.path, step.status]));
}

test('every node ends completed or skipped, by the rule, each once, in whatever order steps finish', () => {
  fc.assert(
    fc.property(anyCase, (random) => {
      const graph = compileGraph(random.definition, typesOf([pick]));
      const ended = driveToEnd(graph, random);
      const byRule = random.definition.nodes.map(({ id }) => [id, runsByRule(random, id) ? 'completed' : 'skipped']);
      expect(ended).toEqual(new Map(byRule.map(([id = '', status = '']) => [id, status])));
    }),
    { numRuns: 500 },
  );
});

test('a step that waits, runs, failed or was cancelled settles nothing', () => {
  const definition: Definition = {
    nodes: [
      { id: 'a', type: 'pick', params: {} },
      { id: 'b', type: 'pick', params: {} },
    ],
    edges: [{ from: 'a', to: 'b' }],
    triggers: [],
  };
  const graph = compileGraph(definition, typesOf([pick]));
  for (const status of ['running', 'waiting', 'failed', 'cancelled', 'pending'] as const) {
    expect(plan(graph, new Map([['a', stepOf('a', status)]]))).toEqual({ run: [], skip: [] });
  }
});
