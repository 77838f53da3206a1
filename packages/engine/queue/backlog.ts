import { Refusal } from '@flowplane/contract/errors';
import type { Database } from '@flowplane/db/database';

/** Executions that may wait to be run: of one team, and in all. 0 is no bound. */
export type QueueBounds = { team: number; all: number };

/** Seconds after which a refused start may be tried again. */
const retryAfterSeconds = 5;
/** How old a count may be, and how much of the time counting may take. */
const freshMs = 1_000;
const share = 20;

/** How much waits to be run, nearly: counted once a second by those who add to it. */
export type Backlog = {
  /** Counts one more execution that is going to wait. @throws Refusal `queue_full`. */
  add(teamId: string): Promise<void>;
};

type Counts = { ofTeams: Map<string, number>; all: number; until: number };

async function count(database: Database): Promise<Counts> {
  const began = performance.now();
  const { rows } = await database.pool.query<{ team_id: string; count: string }>({
    name: 'backlog',
    text: `select team_id, sum(count) as count from (
        select team_id, count(*) from executions where queue_rank is not null and crashes = 0 group by team_id
        union all
        select team_id, count(*) from executions where due_at = 'infinity' group by team_id
      ) queues group by team_id`,
  });
  const ofTeams = new Map(rows.map((row) => [row.team_id, Number(row.count)]));
  const now = performance.now();
  const all = [...ofTeams.values()].reduce((sum, one) => sum + one, 0);
  return { ofTeams, all, until: now + Math.max(freshMs, share * (now - began)) };
}

function refuse(whose: string, bound: number): Refusal {
  return new Refusal(
    'queue_full',
    `${whose} ${bound} executions waiting to be run already: try again in ${retryAfterSeconds} seconds.`,
  );
}

export function createBacklog(database: Database, { team, all }: QueueBounds): Backlog {
  let counts: Counts | undefined;
  let counting: Promise<Counts> | undefined;

  async function current(): Promise<Counts> {
    if (counts && performance.now() < counts.until) return counts;
    counting ??= count(database).finally(() => {
      counting = undefined;
    });
    counts = await counting;
    return counts;
  }

  return {
    async add(teamId) {
      if (team === 0 && all === 0) return;
      const now = await current();
      const ofTeam = now.ofTeams.get(teamId) ?? 0;
      if (team > 0 && ofTeam >= team) throw refuse('Your team has', team);
      if (all > 0 && now.all >= all) throw refuse('This server has', all);
      now.ofTeams.set(teamId, ofTeam + 1);
      now.all += 1;
    },
  };
}
