import { readJournal } from '../journal.ts';
import { applyLoad } from '../load.ts';
import { memoryOf } from '../memory.ts';
import { orderHook, orderLoad } from '../order.ts';
import type { Row } from '../row.ts';
import type { Setting } from '../setting.ts';

const amounts = [10_000, 50_000, 100_000];
const mostMegabytes = 250;
const mostMinutes = 10;
const load = { connections: 32, seconds: 5 };

/** The API's memory after very many executions of the order workflow, and on the way there: what leaks goes on growing. */
export async function memory({ api, cluster, teamSlug }: Setting): Promise<Row[]> {
  const rows: Row[] = [];
  const until = performance.now() + mostMinutes * 60_000;
  for (const amount of amounts) {
    let wrong: string | undefined;
    let journal = await readJournal(cluster.ours);
    while (journal.executions < amount && performance.now() < until) {
      const round = await applyLoad(orderLoad(orderHook(api.url, teamSlug)), load);
      journal = await readJournal(cluster.ours);
      wrong ??= round.wrong ?? journal.wrong;
    }
    const found = await memoryOf(api.child.pid);
    rows.push({
      work: `memory of the API after ${journal.executions.toLocaleString('en')} executions`,
      ours: found ? `${found.now} MB` : 'unknown',
      comparedWith: found ? `at its most: ${found.most} MB` : 'only Linux tells',
      ratio: '',
      target: `≤ ${mostMegabytes} MB`,
      verdict: wrong ? `invalid: ${wrong}` : found ? (found.now <= mostMegabytes ? 'met' : 'not met') : '',
    });
  }
  return rows;
}
