import type { Definition } from '@flowplane/contract/definition';
import type { Database } from '@flowplane/db/database';
import { withRetry } from '@flowplane/db/retry';
import { LRUCache } from 'lru-cache';
import { loadDefinition } from '../journal/load.ts';
import type { NodeTypes } from '../node-type.ts';
import { patienceMs } from '../queue/lease.ts';
import { compileGraph, type Graph } from './graph.ts';

/** A definition that is gone or that this installation cannot run; asking again will not help. */
export class UnusableDefinition extends Error {
  override readonly name = 'UnusableDefinition';
}

/** Compiled graphs, by team and definition; a definition never changes, so neither does its graph. */
export type Graphs = {
  known(teamId: string, hash: string): Graph | undefined;
  /** @throws UnusableDefinition when the definition is missing or names a node type that is not installed. */
  load(teamId: string, hash: string): Promise<Graph>;
};

function compiled(definition: Definition, nodeTypes: NodeTypes): Graph {
  try {
    return compileGraph(definition, nodeTypes);
  } catch (error) {
    throw new UnusableDefinition('the definition cannot be compiled', { cause: error });
  }
}

export function createGraphs(database: Database, nodeTypes: NodeTypes): Graphs {
  const cache = new LRUCache<string, Graph>({ max: 500 });
  return {
    known: (teamId, hash) => cache.get(`${teamId}:${hash}`),
    async load(teamId, hash) {
      const definition = await loadDefinition(database, teamId, hash);
      if (!definition) throw new UnusableDefinition(`definition ${hash} is missing`);
      const graph = compiled(definition, nodeTypes);
      cache.set(`${teamId}:${hash}`, graph);
      return graph;
    },
  };
}

/** Undefined where a definition cannot be run: whoever takes the execution says so. */
export async function usableGraph(
  graphs: Graphs,
  { teamId, definitionHash }: { teamId: string; definitionHash: string },
): Promise<Graph | undefined> {
  try {
    return (
      graphs.known(teamId, definitionHash) ?? (await withRetry(() => graphs.load(teamId, definitionHash), patienceMs))
    );
  } catch (error) {
    if (error instanceof UnusableDefinition) return undefined;
    throw error;
  }
}
