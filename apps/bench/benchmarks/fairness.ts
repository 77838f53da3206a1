import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@flowplane/client';
import pg from 'pg';
import { applyLoad, type Load, medianOf, type Round } from '../load.ts';
import { orderHook, orderLoad, orderWorkflow } from '../order.ts';
import { type Row, rowOf } from '../row.ts';
import type { Setting } from '../setting.ts';

/** Executions that the other team has waiting, all the time. */
const waiting = 10_000;
const topUpMs = 250;
/** For what is still under way of the other team to end. */
const restMs = 1_000;
const rounds = 3;
const load = { connections: 1, seconds: 5 };

/** A team with executions of the order workflow in its queue, stored as `POST /workflows/{id}/execute` stores them. */
type Crowd = {
  /** Adds what there are fewer than `waiting`. */
  topUp(): Promise<void>;
  /** Takes what still waits out of the queue. */
  empty(): Promise<void>;
};

async function enterCrowd(url: string, client: pg.Client, input: Load['body']): Promise<Crowd> {
  const account = { email: 'crowd@example.com', password: 'benchmark-password' };
  const { accessToken, team } = await createClient({ url }).auth.register(account);
  const caller = createClient({ url, token: accessToken });
  const { id } = await caller.workflows.create(orderWorkflow);
  await caller.workflows.publish({ id });
  return {
    async topUp() {
      await client.query({
        name: 'top-up',
        text: `insert into executions (id, team_id, workflow_id, version, definition_hash, status, trigger, input, due_at, queue_rank)
          select gen_random_uuid(), team_id, workflow_id, version, definition_hash, 'pending', 'api', $2, now(), 5
          from workflow_versions, generate_series(1, $3::int - (
            select count(*)::int from executions where team_id = $4 and queue_rank is not null and crashes = 0))
          where workflow_id = $1`,
        values: [id, input, waiting, team.id],
      });
    },
    async empty() {
      await client.query(
        `delete from executions where id in (
          select id from executions where team_id = $1 and queue_rank is not null and crashes = 0 for update skip locked)`,
        [team.id],
      );
    },
  };
}

/** A round of single runs while the crowd waits. */
async function besides(crowd: Crowd, single: Load): Promise<Round> {
  await crowd.topUp();
  let isOver = false;
  const measured = applyLoad(single, load).finally(() => {
    isOver = true;
  });
  for (; !isOver; await sleep(topUpMs)) await crowd.topUp();
  await crowd.empty();
  await sleep(restMs);
  return measured;
}

/**
 * The median time of one team's runs, one at a time, while another team always has ten thousand waiting, against the same while
 * nobody does anything else.
 */
export async function fairness({ api, cluster, teamSlug }: Setting): Promise<Row[]> {
  const single = orderLoad(orderHook(api.url, teamSlug));
  const client = new pg.Client({ connectionString: cluster.ours });
  await client.connect();
  const pairs: { idle: Round; busy: Round }[] = [];
  try {
    const crowd = await enterCrowd(api.url, client, single.body);
    await applyLoad(single, load);
    for (let round = 0; round < rounds; round += 1) {
      pairs.push({ idle: await applyLoad(single, load), busy: await besides(crowd, single) });
    }
  } finally {
    await client.end();
  }
  const ratios = pairs.map(({ idle, busy }) => busy.medianMs / idle.medianMs);
  const about = {
    work: `one run while another team has ${waiting.toLocaleString('en')} waiting`,
    comparedWith: 'nobody else there',
    measure: 'medianMs',
    target: 2,
  } as const;
  return [
    rowOf(about, {
      ours: medianOf(pairs.map(({ busy }) => busy.medianMs)),
      other: medianOf(pairs.map(({ idle }) => idle.medianMs)),
      ratio: { median: medianOf(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) },
      wrong: pairs.flatMap(({ idle, busy }) => [idle.wrong, busy.wrong]).find((wrong) => wrong !== undefined),
    }),
  ];
}
