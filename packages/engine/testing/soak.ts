import { setTimeout as sleep } from 'node:timers/promises';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { createDispatch } from '../dispatch/dispatch.ts';
import { createEngine, type StartRequest } from '../engine.ts';
import { deliverEvent } from '../signal.ts';
import { createBus } from '../streams/bus.ts';
import { type DefinitionInput, typesOf } from './engine.ts';
import { called, everyKind, everyKindEnds, faultNodes } from './fault-nodes.ts';
import { openSoak, type SoakSetting } from './soak-setting.ts';

export type SoakOptions = {
  kills: number;
  executions: number;
  partitionMs: number;
  freezeMs: number;
  /** Seconds after the end of a fault within which all must be through. */
  healSeconds: number;
  /** What is under way, every few seconds. */
  onProgress?: (progress: SoakProgress) => void;
};

export type SoakProgress = {
  /** Which fault is happening, or healing. */
  fault: string;
  kills: number;
  started: number;
  finished: number;
  /** The longest time until all was through after the end of a fault so far. */
  longestHeal: number;
};

/** What a soak found; `wrong` names each broken promise. */
export type SoakResult = {
  executions: number;
  called: number;
  kills: number;
  /** Executions that somebody took over at least once, and the most often that one was. */
  takenOver: number;
  mostFences: number;
  effects: number;
  effectsRepeated: number;
  /** Seconds after the end of each fault until everything from before it was through. */
  heals: { fault: string; seconds: number }[];
  seconds: number;
  wrong: string[];
};

const mostHealMs = 120_000;
const progressMs = 5_000;
/** How long a worker works before it is killed. Those who die as soon as they work bring what they never got to run into quarantine. */
const lifeMs = { least: 1_000, most: 5_000 };

/** An order: pure nodes only. */
const order: DefinitionInput = {
  nodes: [
    { id: 'order', type: 'value', params: { value: '{{ input.family * 2 }}' } },
    { id: 'big', type: 'pick', params: { port: '{{ nodes.order > 100 ? "a" : "b" }}' } },
    { id: 'gold', type: 'value', params: { value: 'gold' } },
    { id: 'plain', type: 'value', params: { value: 'plain' } },
  ],
  edges: [
    { from: 'order', to: 'big' },
    { from: 'big', port: 'a', to: 'gold' },
    { from: 'big', port: 'b', to: 'plain' },
  ],
  output: '{{ nodes.gold ?? nodes.plain }}',
};

/** Effects at once, in a loop and beside a delay. */
const fan: DefinitionInput = {
  nodes: [
    { id: 'left', type: 'effect' },
    { id: 'pause', type: 'wait', params: { seconds: 0.5 } },
    {
      id: 'each',
      type: 'each',
      params: { items: [1, 2, 3, 4, 5, 6], concurrency: 3, body: { nodes: [{ id: 'act', type: 'effect' }] } },
    },
    { id: 'last', type: 'effect' },
  ],
  edges: ['left', 'pause', 'each'].map((from) => ({ from, to: 'last' })),
  output: '{{ nodes.each }}',
};

const fanPaths = [
  'left',
  'pause',
  'each',
  'last',
  ...[0, 1, 2, 3, 4, 5].flatMap((i) => [`each[${i}]`, `each[${i}].act`]),
];

type Kind = { request: StartRequest; output: (family: number) => unknown; paths: string[]; effects: string[] };

async function kindsOf(setting: SoakSetting): Promise<Kind[]> {
  const child = await setting.publish(called);
  return [
    { request: await setting.publish(everyKind(child.workflowId)), ...everyKindEnds },
    {
      request: await setting.publish(order),
      output: (family) => (family > 50 ? 'gold' : 'plain'),
      paths: ['order', 'big', 'gold', 'plain'],
      effects: [],
    },
    {
      request: await setting.publish(fan),
      output: () => [1, 2, 3, 4, 5, 6],
      paths: fanPaths,
      effects: fanPaths.filter((path) => path === 'left' || path === 'last' || path.endsWith('.act')),
    },
  ];
}

async function unfinished({ database }: SoakSetting): Promise<Set<string>> {
  const { rows } = await database.pool.query<{ id: string }>('select id from executions where finished_at is null');
  return new Set(rows.map(({ id }) => id));
}

/** Seconds until what is under way now is through, and what never was. */
async function healed(setting: SoakSetting): Promise<{ seconds: number; stuck: string[] }> {
  const since = performance.now();
  let stuck = [...(await unfinished(setting))];
  while (stuck.length > 0 && performance.now() - since < mostHealMs) {
    await sleep(100);
    const left = await unfinished(setting);
    stuck = stuck.filter((id) => left.has(id));
  }
  return { seconds: (performance.now() - since) / 1_000, stuck };
}

async function judge(setting: SoakSetting, started: { id: string; kind: Kind; family: number }[]) {
  const { pool } = setting.database;
  const wrong: string[] = [];
  const { rows: found } = await pool.query('select id, status, output, error, fence::int, parent_id from executions');
  const byId = new Map(found.map((row) => [row.id, row]));
  const { rows: steps } = await pool.query('select execution_id as id, path, status from steps');
  const stepsOf = Map.groupBy(steps, (row) => String(row.id));
  const { rows: happened } = await pool.query<{ key: string; times: number }>(
    'select key, count(*)::int as times from effects group by key',
  );
  const effects = new Map(happened.map(({ key, times }) => [key, times]));
  const expected = new Set<string>();
  for (const { id, kind, family } of started) {
    const row = byId.get(id);
    if (row?.status !== 'completed') wrong.push(`${id} is ${row?.status ?? 'lost'}: ${JSON.stringify(row?.error)}`);
    if (JSON.stringify(row?.output) !== JSON.stringify(kind.output(family))) wrong.push(`${id} has another output`);
    const own = stepsOf.get(id) ?? [];
    const paths = own.map(({ path }) => path).sort();
    if (paths.join() !== kind.paths.toSorted().join()) wrong.push(`${id} has the steps ${paths}`);
    if (own.some(({ status }) => status !== 'completed' && status !== 'skipped')) wrong.push(`${id} has an open step`);
    for (const path of kind.effects) expected.add(`${id}:${path}`);
    const children = found.filter((one) => one.parent_id === id);
    if (children.length !== (kind.paths.includes('call') ? 1 : 0)) wrong.push(`${id} called ${children.length} times`);
    for (const child of children) expected.add(`${child.id}:ship`);
  }
  for (const key of expected) if (!effects.has(key)) wrong.push(`the effect ${key} did not happen`);
  for (const key of effects.keys()) if (!expected.has(key)) wrong.push(`the effect ${key} is nobody’s`);
  // A retried effect happens twice by design.
  const repeated = happened.filter(({ key, times }) => times > (key.endsWith(':flaky') ? 2 : 1));
  return {
    wrong,
    called: found.length - started.length,
    effects: happened.length,
    effectsRepeated: repeated.length,
    takenOver: found.filter(({ fence }) => fence > 1).length,
    mostFences: Math.max(...found.map(({ fence }) => fence)),
  };
}

/** Runs executions of all kinds on three workers while they and what they need fail, and looks at what became of them. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { kills, executions, partitionMs, freezeMs, healSeconds } = options;
  await using stack = new AsyncDisposableStack();
  const setting = stack.use(await openSoak());
  const { database, teamId, redis } = setting;
  const kinds = await kindsOf(setting);
  const quiet = () => {};
  const sandbox = createSandbox();
  stack.defer(() => sandbox.close());
  const engine = createEngine({
    database,
    nodeTypes: typesOf(faultNodes(database)),
    sandbox,
    dispatch: await createDispatch({ store: { redis }, onError: quiet }),
    bus: createBus({ redis, onError: quiet }),
    slots: 0,
    onError: quiet,
  });
  stack.defer(() => engine.close());

  let over = false;
  const paying = (async () => {
    while (!over) {
      try {
        const { rows } = await database.pool.query(
          `select match from waits where kind = 'event' and resolved_at is null`,
        );
        for (const { match } of rows)
          engine.nudge(await deliverEvent(database.db, { teamId, event: 'paid', data: match }));
      } catch {
        // PostgreSQL is away.
      }
      await sleep(200);
    }
  })();
  stack.defer(async () => {
    over = true;
    await paying;
  });

  const since = performance.now();
  const started: { id: string; kind: Kind; family: number }[] = [];
  async function start(most: number): Promise<void> {
    while (started.length < most) {
      const family = started.length + 1;
      const kind = kinds[family % kinds.length];
      if (!kind) return;
      const { execution } = await engine.start({ ...kind.request, input: { family } });
      started.push({ id: execution.id, kind, family });
    }
  }
  const heals: SoakResult['heals'] = [];
  const faults: [string, () => Promise<void>][] = [
    ['PostgreSQL restarted', () => setting.restartPostgres()],
    [`no way to PostgreSQL for ${partitionMs / 1_000} s`, () => setting.partition(partitionMs)],
    ['Redis emptied', () => setting.flushRedis()],
    ['Redis gone for 3 s', () => setting.stopRedis(3_000)],
    [`a worker stopped for ${freezeMs / 1_000} s`, () => setting.freeze(0, freezeMs)],
  ];
  let fault = `${kills} × kill -9`;
  let killed = 0;
  const reporting = setInterval(() => {
    void unfinished(setting)
      .then(({ size }) => {
        const longestHeal = Math.max(0, ...heals.map((heal) => heal.seconds));
        // What they called and is not finished counts as one of them for a moment.
        const finished = Math.max(0, started.length - size);
        options.onProgress?.({ fault, kills: killed, started: started.length, finished, longestHeal });
      })
      // PostgreSQL is away.
      .catch(() => undefined);
  }, progressMs);
  stack.defer(() => clearInterval(reporting));

  const stuck: string[] = [];
  async function heal(): Promise<void> {
    const { seconds, stuck: left } = await healed(setting);
    heals.push({ fault, seconds });
    stuck.push(...left.map((id) => `${fault}: ${id} was not through after ${seconds.toFixed(1)} s`));
  }
  const perKill = executions / (kills + faults.length);
  /** Starts more executions as more workers are killed, one after the other. */
  let starting = Promise.resolve();
  async function killAgainAndAgain(index: number): Promise<void> {
    while (killed < kills) {
      killed += 1;
      const most = Math.round(perKill * killed);
      starting = starting.then(() => start(most));
      await Promise.all([starting, sleep(lifeMs.least + Math.random() * (lifeMs.most - lifeMs.least))]);
      await setting.replace(index);
    }
  }
  await Promise.all(Array.from({ length: setting.workers }, (_, index) => killAgainAndAgain(index)));
  await heal();
  for (const [index, [name, happen]] of faults.entries()) {
    fault = name;
    await start(Math.round(perKill * (kills + index + 1)));
    await happen();
    await heal();
  }
  const seconds = (performance.now() - since) / 1_000;
  const { wrong, ...figures } = await judge(setting, started);
  const late = heals
    .filter((one) => one.seconds > healSeconds)
    .map((one) => `${one.fault}: ${one.seconds.toFixed(1)} s until all was through`);
  return {
    executions: started.length,
    kills: killed,
    heals,
    seconds,
    ...figures,
    wrong: [...wrong, ...late, ...stuck, ...setting.ended],
  };
}
