import { Refusal } from '@flowplane/contract/errors';
import type { Failure } from '@flowplane/contract/execution';
import { withRetry } from '@flowplane/db/retry';
import type { Credentials, RunCredentials } from './credentials.ts';

/** What became of opening a run's credentials: `failure` ends the execution, `later` has it tried again in a while. */
export type OpenedCredentials = { credentials: RunCredentials | undefined } | { failure: Failure } | 'later';

/**
 * Opens the credentials that a graph names. At the start of an execution each must be its team's: a definition may have come to
 * the database before the credential was deleted, or around the check of what is saved.
 *
 * @param from.patienceMs how long the database may be away.
 * @throws when the database cannot be reached.
 */
export async function openCredentials(
  credentials: Credentials | undefined,
  from: { teamId: string; ids: readonly string[]; isStart: boolean; patienceMs: number },
): Promise<OpenedCredentials> {
  const { teamId, ids, isStart, patienceMs } = from;
  if (ids.length === 0) return { credentials: undefined };
  const missing = (id: string) => ({
    failure: { code: 'invalid_workflow', message: `There is no credential ${id} in this team.` },
  });
  const [first = ''] = ids;
  if (!credentials) return missing(first);
  if (isStart) {
    const known = await withRetry(() => credentials.known(teamId, ids), patienceMs);
    const unknown = ids.find((id) => !known.has(id));
    if (unknown !== undefined) return missing(unknown);
  }
  try {
    const opened = await withRetry(() => credentials.open(teamId, ids), patienceMs);
    const use: RunCredentials['use'] = (id, url) => withRetry(() => opened.use(id, url), patienceMs);
    return { credentials: { ...opened, use } };
  } catch (error) {
    if (error instanceof Refusal && error.code === 'unavailable') return 'later';
    throw error;
  }
}
