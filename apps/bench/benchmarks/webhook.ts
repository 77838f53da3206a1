import { newId } from '@flowplane/db/id';
import pg from 'pg';
import { compare } from '../compare.ts';
import { readJournal } from '../journal.ts';
import { orderHook, orderLoad } from '../order.ts';
import { type About, type Row, rowOf } from '../row.ts';
import type { Setting } from '../setting.ts';

const comparedWith = 'two bare commits';

/** The rows that the baseline's executions refer to. */
async function createOwners(url: string): Promise<{ teamId: string; workflowId: string }> {
  const [teamId, workflowId] = [newId(), newId()];
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('insert into teams (id, name, slug) values ($1, $2, $3)', [teamId, 'Bare', teamId]);
  await client.query('insert into workflows (id, team_id, name, description, definition) values ($1, $2, $3, $4, $5)', [
    workflowId,
    teamId,
    'Order',
    '',
    '{}',
  ]);
  await client.end();
  return { teamId, workflowId };
}

async function againstCommits(setting: Setting, about: About, connections: number): Promise<Row> {
  const { cluster, api, teamSlug } = setting;
  const { teamId, workflowId } = await createOwners(cluster.bare);
  const baseline = await setting.baseline('bare-commits', [cluster.bare, teamId, workflowId]);
  const ours = orderLoad(orderHook(api.url, teamSlug));
  const comparison = await compare(ours, { ...ours, url: baseline.url }, { measure: about.measure, connections });
  const journals = [await readJournal(cluster.ours), await readJournal(cluster.bare)];
  await baseline.stop();
  return rowOf(about, comparison, journals.find((journal) => journal.wrong)?.wrong);
}

/** The order workflow by webhook, answered with its result, against its two commits alone. */
export async function webhook(setting: Setting): Promise<Row[]> {
  const about = { work: 'order workflow by webhook', comparedWith, measure: 'perSecond', target: 0.4 } as const;
  return [await againstCommits(setting, about, 32)];
}

/** The median time of one run at a time against that of its two commits. */
export async function latency(setting: Setting): Promise<Row[]> {
  const about = { work: 'its median at 1 connection', comparedWith, measure: 'medianMs', target: 4 } as const;
  return [await againstCommits(setting, about, 1)];
}
