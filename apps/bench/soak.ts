/**
 * A soak: `node apps/bench/soak.ts [<kills> [<executions>]]`. Three workers run executions of all kinds while they are killed, and
 * while PostgreSQL, Redis and the ways between them fail. Prints what became of the executions; fails when a promise was broken, and
 * when it has not ended within a quarter of an hour.
 */
import { type SoakProgress, soak } from '@flowplane/engine/testing/soak';

const mostMinutes = 15;
const late = setTimeout(() => {
  process.stderr.write(`The soak did not end within ${mostMinutes} minutes.\n`);
  process.exit(1);
}, mostMinutes * 60_000);

function show({ fault, kills, started, finished, longestHeal }: SoakProgress): void {
  const longest = longestHeal > 0 ? `, the longest until all was through ${longestHeal.toFixed(1)} s` : '';
  process.stderr.write(`${fault}: ${kills} killed, ${finished} of ${started} executions through${longest}\n`);
}

const [kills = '200', executions = '500'] = process.argv.slice(2);
const found = await soak({
  kills: Number(kills),
  executions: Number(executions),
  partitionMs: 10_000,
  freezeMs: 17_000,
  healSeconds: 20,
  onProgress: show,
});
clearTimeout(late);
const rows: [string, string | number][] = [
  ['executions', found.executions],
  ['executions that they called', found.called],
  ['workers killed', found.kills],
  ['executions taken over or resumed', found.takenOver],
  ['leases of one execution at most', found.mostFences],
  ['effects', found.effects],
  ['effects that happened again, with the same key', found.effectsRepeated],
  ...found.heals.map(({ fault, seconds }): [string, string] => [
    `${fault}: all through after`,
    `${seconds.toFixed(1)} s`,
  ]),
  ['seconds in all', found.seconds.toFixed(0)],
  ['broken promises', found.wrong.length],
];
const width = Math.max(...rows.map(([name]) => name.length));
process.stdout.write(`${rows.map(([name, figure]) => `${name.padEnd(width)}  ${figure}`).join('\n')}\n`);
for (const line of found.wrong) process.stdout.write(`${line}\n`);
process.exitCode = found.wrong.length > 0 ? 1 : 0;
