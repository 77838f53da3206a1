import type { Definition } from '@flowplane/contract/definition';
import type { Json } from '@flowplane/contract/json';
import type { ValueChange, WorkflowDiff, workflowDiffInput } from '@flowplane/contract/workflow-diff';
import type { z } from 'zod';
import { diffValues } from './diff-values.ts';
import { definitionOfVersion } from './versions.ts';
import { noWorkflow, type Scope } from './workflows.ts';

type Identified = { id: string };
type Changed = { id: string; changes: ValueChange[] };

/** A part of a definition as JSON: fields that are not there are left out. */
function plain(part: unknown): Json {
  return JSON.parse(JSON.stringify(part));
}

function diffById<Part extends Identified>(from: readonly Part[], to: readonly Part[]) {
  const before = new Map(from.map((part) => [part.id, part]));
  const after = new Set(to.map(({ id }) => id));
  const added: Part[] = [];
  const changed: Changed[] = [];
  for (const part of to) {
    const old = before.get(part.id);
    if (!old) added.push(part);
    else {
      const changes = diffValues(plain(old), plain(part), '');
      if (changes.length > 0) changed.push({ id: part.id, changes });
    }
  }
  return { added, removed: from.filter(({ id }) => !after.has(id)), changed };
}

function edgeName({ from, port, to }: Definition['edges'][number]): string {
  return JSON.stringify([from, port, to]);
}

/** What has to be done to the first definition to make it the second, but for the order of nodes, edges and triggers. */
export function diffDefinitions(from: Definition, to: Definition): WorkflowDiff {
  const { nodes: fromNodes, edges: fromEdges, triggers: fromTriggers, ...fromSettings } = from;
  const { nodes: toNodes, edges: toEdges, triggers: toTriggers, ...toSettings } = to;
  const before = new Set(fromEdges.map(edgeName));
  const after = new Set(toEdges.map(edgeName));
  return {
    nodes: diffById(fromNodes, toNodes),
    edges: {
      added: toEdges.filter((edge) => !before.has(edgeName(edge))),
      removed: fromEdges.filter((edge) => !after.has(edgeName(edge))),
    },
    triggers: diffById(fromTriggers, toTriggers),
    settings: diffValues(plain(fromSettings), plain(toSettings), ''),
  };
}

/** @throws Refusal `not_found` for the workflow, or a version that it does not have. */
export async function diffWorkflow(
  { db, teamId }: Pick<Scope, 'db' | 'teamId'>,
  { id, from, to }: z.output<typeof workflowDiffInput>,
): Promise<WorkflowDiff> {
  const row = await db
    .selectFrom('workflows')
    .select('definition')
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noWorkflow(id);
  const side = async (name: string) =>
    name === 'draft' ? row.definition : definitionOfVersion({ db, teamId }, { id, version: Number(name) });
  return diffDefinitions(await side(from), await side(to));
}
