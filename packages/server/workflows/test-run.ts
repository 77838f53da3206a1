import type { Definition } from '@flowplane/contract/definition';
import { Refusal } from '@flowplane/contract/errors';
import type { Execution } from '@flowplane/contract/execution';
import type { Permission } from '@flowplane/contract/permissions';
import type { workflowTestInput } from '@flowplane/contract/workflow-test';
import { keepDefinition } from '@flowplane/engine/definitions';
import type { Engine } from '@flowplane/engine/engine';
import { cutAfter, cutTo, forTest, type Pin, seenBy } from '@flowplane/engine/graph/partial';
import type { z } from 'zod';
import { requireStartLeft } from '../auth/guests/quota.ts';
import type { Principal } from '../context.ts';
import { finished } from '../executions/finished.ts';
import { startExecution } from '../executions/start.ts';
import { checkCredentials } from './check-credentials.ts';
import { checkInputSize } from './input-size.ts';
import { latestResults } from './latest-results.ts';
import { testErrors } from './test-errors.ts';
import { checkDefinition, noWorkflow, type Scope } from './workflows.ts';

type Test = z.output<typeof workflowTestInput>;
type Team = Scope & { engine: Engine };

function requirePermission({ permissions }: Pick<Principal, 'permissions'>, permission: Permission, why: string): void {
  if (!permissions.has(permission)) throw new Refusal('forbidden', `${why} needs the permission ${permission} too.`);
}

/**
 * A test shows what steps read and wrote, and what is not saved yet is a change: whoever may only run workflows may do neither.
 *
 * @throws Refusal `forbidden`.
 */
export function checkMayTest(
  principal: Pick<Principal, 'permissions'>,
  { definition }: Pick<Test, 'definition'>,
): void {
  requirePermission(principal, 'executions:read', 'A test');
  if (definition) requirePermission(principal, 'workflows:write', 'A test of a definition that is not saved');
}

async function draftOf({ db, teamId }: Team, id: string): Promise<Definition> {
  const row = await db
    .selectFrom('workflows')
    .select('definition')
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst();
  if (!row) throw noWorkflow(id);
  return row.definition;
}

/** The results that a node run alone can see. @throws Refusal `invalid_input` naming the nodes that have none. */
async function resultsFor(
  { db, teamId, engine }: Team,
  { id, only }: { id: string; only: string },
  definition: Definition,
): Promise<Map<string, Pin>> {
  const { all, needed } = seenBy(definition, only, engine.nodeTypes);
  const pinned = new Map(definition.nodes.flatMap(({ id: node, pin }) => (pin ? [[node, pin] as const] : [])));
  const asked = all.filter((node) => !pinned.has(node));
  const { results, skipped } = await latestResults({ db, teamId }, { id, nodes: asked });
  const missing = needed.filter((node) => !pinned.has(node) && !results.has(node) && !skipped.has(node));
  if (missing.length > 0) {
    throw new Refusal(
      'invalid_input',
      `Nothing is known of what ${missing.join(', ')} answered, which ${only} needs: pin it, or run the workflow until there first.`,
      missing.map((node) => ({ path: `pins.${node}`, message: 'has no pin and no result in the latest executions' })),
    );
  }
  return new Map(
    all.flatMap((node) => {
      const result = pinned.get(node) ?? results.get(node);
      return result ? [[node, result] as const] : [];
    }),
  );
}

async function derived(team: Team, input: Test): Promise<Definition> {
  const { id, until, only } = input;
  const { nodeTypes } = team.engine;
  const draft = await draftOf(team, id);
  const definition = input.definition ?? draft;
  checkDefinition(definition, nodeTypes);
  await checkCredentials(team, definition);
  const errors = testErrors(definition, input, nodeTypes);
  if (errors[0]) throw new Refusal('invalid_input', `${errors[0].path}: ${errors[0].message}`, errors);
  const whole = forTest(definition, new Map(Object.entries(input.pins)), nodeTypes);
  if (until !== undefined) return cutAfter(whole, until);
  if (only === undefined) return whole;
  return cutTo(whole, { id: only, results: await resultsFor(team, { id, only }, whole) }, nodeTypes);
}

/**
 * Runs a workflow's draft, or a definition that is not saved, with pinned results: as a whole, until a node, or one node alone.
 *
 * @param team.executionId the id that it must have, for a call that may be repeated: a repeat finds the execution (`replayed`).
 * @throws Refusal `not_found`, `invalid_workflow`, `invalid_input` for nodes that cannot be tested so, `payload_too_large`.
 */
export async function startTest(
  team: Team & { executionId: string | undefined },
  input: Test,
): Promise<{ execution: Execution; replayed: boolean }> {
  const { db, teamId, engine, executionId } = team;
  const ms = input.wait * 1_000;
  const before = executionId && (await engine.wait(teamId, executionId, ms));
  if (before) return { execution: before, replayed: true };
  checkInputSize(input.input);
  const definition = await derived(team, input);
  await requireStartLeft(db, teamId);
  const definitionHash = await keepDefinition(db, teamId, definition);
  const request = { teamId, workflowId: input.id, version: null, definitionHash, trigger: 'test', input: input.input };
  const started = await startExecution(engine, { ...request, id: executionId });
  if (!started) throw noWorkflow(input.id);
  return { execution: await finished(engine, started, { teamId, ms }), replayed: false };
}
