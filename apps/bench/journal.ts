import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { orderSteps } from './order.ts';

const text = `select count(*)::int as executions, count(*) filter (where status = 'completed')::int as completed,
  (select count(*)::int from steps) as steps from executions`;
const settleMs = 5_000;

/** What a database holds of order runs; `wrong` says what is missing of them. */
export type Journal = { executions: number; wrong: string | undefined };

/** Counts what was journalled, after the last runs, whose callers have gone, had time to end. */
export async function readJournal(url: string): Promise<Journal> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const until = Date.now() + settleMs; ; await sleep(200)) {
      const { rows } = await client.query<{ executions: number; completed: number; steps: number }>(text);
      const { executions, completed, steps } = rows[0] ?? { executions: 0, completed: 0, steps: 0 };
      const whole = completed === executions && steps === executions * orderSteps;
      if (whole) return { executions, wrong: undefined };
      if (Date.now() > until) {
        return { executions, wrong: `of ${executions} executions ${completed} are completed, with ${steps} steps` };
      }
    }
  } finally {
    await client.end();
  }
}
