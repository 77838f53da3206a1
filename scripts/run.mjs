// @ts-check
// The one entry of all npm scripts. It needs nothing installed and runs on any Node ≥ 18, so it may use only what Node 18 has: it
// finds (or gets) Node 24 and pnpm, installs the dependencies when they changed, and starts the real program under that Node.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ node: string, bin: string }} Tools `node` is the program; `bin` the directory that has pnpm. */
/** @typedef {{ toolsFor?: string, tools?: Tools, installed?: string }} Memory */

const nodeVersion = '24.21.0';
const pnpmVersion = '12.21.0';
const drainSeconds = 40;
// biome-ignore lint/style/noProcessEnv: this program hands the environment on and reads no setting from it
const inherited = process.env;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const memoryFile = join(root, 'node_modules/.flowplane-run.json');
// Until the server listens for the end of its channel itself, there is nothing to wind up.
const untilListening = `process.once('disconnect',()=>process.listenerCount('disconnect')||process.exit(143));process.channel?.unref()`;
const nodeFlags = [
  '--disable-warning=ExperimentalWarning',
  // Left to itself the young generation grows to 128 MB under load, for no gain in throughput that could be measured.
  '--max-semi-space-size=8',
  // And the old one to twice or four times what is alive in it: 60 MB of garbage after 30,000 executions, at 55 MB alive.
  '--heap-growing-percent=30',
  `--import=data:text/javascript,${encodeURIComponent(untilListening)}`,
];
/** For the server, unless they are set already. */
const frugal = {
  // Stripped and compiled sources: a third less time to start, and no compiler of TypeScript in memory.
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'),
  // glibc keeps what threads have freed in up to eight arenas a core; 12 MB less with two in all.
  MALLOC_ARENA_MAX: '2',
};
const turboFlags = ['--output-logs=new-only', '--log-order=grouped'];

/** @type {Record<string, (tools: Tools, extra: string[]) => Promise<number>>} */
const commands = {
  start: serve,
  dev: (tools, extra) => runTool(tools, 'turbo', ['run', 'dev', ...extra]),
  build: (tools, extra) => runTool(tools, 'turbo', ['run', 'build', ...turboFlags, ...extra]),
  // As many packages at once as there are cores: each has a PostgreSQL of its own.
  test: (tools, extra) =>
    runTool(tools, 'turbo', ['run', 'test', '--continue', '--concurrency=100%', ...turboFlags, ...extra]),
  bench: (tools, extra) => runTool(tools, 'turbo', ['run', 'bench', '--concurrency=1', ...extra]),
  example: (tools, extra) => runTool(tools, tools.node, ['examples/order.ts', ...extra]),
  format: (tools, extra) => runTool(tools, 'biome', ['check', '--write', ...extra, '.']),
  check: (tools, extra) => check(tools, ['typecheck', ...extra]),
  verify: (tools, extra) => check(tools, ['typecheck', 'test:fast', ...extra]),
};

/** Format, lint, then tasks of turbo. @param {Tools} tools @param {string[]} tasks */
async function check(tools, tasks) {
  return (
    (await runTool(tools, 'biome', ['check', '.'])) ||
    runTool(tools, 'turbo', ['run', ...tasks, '--concurrency=100%', ...turboFlags])
  );
}

/** A failure whose message is all the reader needs. */
class Failure extends Error {}

/** @returns {Promise<number>} the exit code */
async function main() {
  const [name = '', ...extra] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) && commands[name];
  if (!command) throw new Failure(`Usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [arguments for it]`);
  const memory = recall();
  const toolsFor = [process.execPath, process.version, nodeVersion, pnpmVersion].join(' ');
  const known =
    memory.toolsFor === toolsFor && memory.tools && existsSync(memory.tools.node) && hasPnpm(memory.tools.bin);
  const tools = known && memory.tools ? memory.tools : await findTools();
  const wanted = manifestsHash();
  if (memory.installed !== wanted) await install(tools);
  if (!known || memory.installed !== wanted)
    writeFileSync(memoryFile, JSON.stringify({ toolsFor, tools, installed: wanted }));
  return command(tools, extra);
}

// Node and pnpm

/** @returns {Promise<Tools>} this Node and the pnpm on the PATH when they are new enough, else what npx has or gets. */
async function findTools() {
  const nodeIsNew = Number.parseInt(process.versions.node, 10) >= Number.parseInt(nodeVersion, 10);
  const own = nodeIsNew && (inherited.PATH ?? '').split(delimiter).find(hasPnpm);
  if (own && pnpmMajor(own) === pnpmVersion.split('.')[0]) return { node: process.execPath, bin: own };

  // A package with nothing but the program for the commonest machines; `node` runs an install script to find one.
  const hasPackage = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  const nodePackage = `${hasPackage ? `node-linux-${process.arch}` : 'node'}@${nodeVersion}`;
  const packages = [...(nodeIsNew ? [] : [nodePackage]), `pnpm@${pnpmVersion}`];
  const flags = '--yes --fetch-retry-mintimeout=2000 --fetch-retry-maxtimeout=10000'.split(' ');
  // npx is asked only where it keeps them: a program run through it would have two more processes above it to pass signals on.
  const args = [...flags, ...packages.flatMap((name) => ['-p', name]), '--', 'node', '-p', 'process.env.PATH'];
  const { code, output, stdout } = await quietly(`Getting ${nodeIsNew ? '' : 'Node 24 and '}pnpm`, 'npx', args);
  const bin = stdout
    .trim()
    .split(delimiter)
    .find((path) => hasPnpm(path) && (nodeIsNew || existsSync(join(path, 'node'))));
  const node = nodeIsNew || !bin ? process.execPath : join(bin, 'node');
  if (code === 0 && bin && pnpmMajor(bin) && spawnSync(node, ['--version']).status === 0) return { node, bin };
  throw new Failure(
    `${tail(output)}\nFlowplane needs Node ${nodeVersion.split('.')[0]} and pnpm ${pnpmVersion.split('.')[0]}, and npx could not get ` +
      `${packages.join(' and ')} (the end of its output is above).\nCheck the connection to the npm registry, or install both yourself: https://nodejs.org, https://pnpm.io/installation`,
  );
}

/** @param {string} directory */
function hasPnpm(directory) {
  return directory !== '' && existsSync(join(directory, 'pnpm'));
}

/** @param {string} directory of a pnpm, asked for its version outside of any project, so that it obeys no pin */
function pnpmMajor(directory) {
  const cwd = dirname(process.execPath);
  const asked = spawnSync(join(directory, 'pnpm'), ['--version'], { cwd, encoding: 'utf8', timeout: 15_000 });
  return asked.status === 0 ? asked.stdout.split('.')[0] : undefined;
}

// Dependencies

/** @param {Tools} tools */
async function install(tools) {
  // NODE_ENV=production would leave out what tests and builds need.
  const env = { ...environment(tools), NODE_ENV: undefined };
  const flags = '--frozen-lockfile --prefer-offline --reporter=append-only --config.confirmModulesPurge=false';
  const args = ['install', ...flags.split(' ')];
  const { code, output } = await quietly('Installing dependencies', join(tools.bin, 'pnpm'), args, env);
  if (code === 0) return;
  throw new Failure(
    `${tail(output)}\nThe dependencies could not be installed (the end of pnpm's output is above). If a package.json was changed, ` +
      `bring the lockfile up to date with "${join(tools.bin, 'pnpm')} install"; else check the connection to the npm registry, and try again.`,
  );
}

/** Of everything that decides what is installed; kept in node_modules, so that deleting that is enough to begin anew. */
function manifestsHash() {
  const members = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(group, name)),
  );
  const manifests = ['.', 'examples', ...members].map((path) => join(path, 'package.json'));
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const path of [...manifests, 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) {
    if (existsSync(join(root, path))) hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

/** @returns {Memory} what the last run found out; an illegible file is written anew */
function recall() {
  try {
    return JSON.parse(readFileSync(memoryFile, 'utf8'));
  } catch {
    return {};
  }
}

// Processes

/** @param {Tools} tools */
function environment(tools) {
  return { ...inherited, PATH: [dirname(tools.node), tools.bin, inherited.PATH].join(delimiter) };
}

/**
 * Runs a program with a line of progress instead of its output.
 *
 * @param {string} what @param {string} file @param {string[]} args @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<{ code: number | null, output: string, stdout: string }>}
 */
function quietly(what, file, args, env = inherited) {
  const started = Date.now();
  process.stderr.write(`${what} … `);
  return new Promise((resolve) => {
    let [output, stdout] = ['', ''];
    const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (data) => {
        output += data;
        if (stream === child.stdout) stdout += data;
      });
    }
    child.once('error', (error) => {
      output += error.message;
    });
    child.once('close', (code) => {
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      process.stderr.write(`${code === 0 ? '' : 'failed after '}${seconds} s\n`);
      resolve({ code, output, stdout });
    });
  });
}

/** @param {string} output */
function tail(output) {
  return output.trim().split('\n').slice(-15).join('\n');
}

/**
 * Runs the server until it ends. It is asked to stop by closing its IPC channel: that also happens when this process is killed,
 * and unlike a signal it cannot arrive twice (Ctrl-C and many supervisors signal the whole process group, npm passes signals on, so
 * the server may well have its own already). A signal that comes a second later is somebody insisting, and is passed on.
 *
 * @param {Tools} tools @param {string[]} extra
 */
function serve(tools, extra) {
  const args = [...nodeFlags, 'apps/api/main.ts', ...extra];
  const env = { ...frugal, ...environment(tools) };
  const child = spawn(tools.node, args, { cwd: root, env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  let asked = 0;
  return untilExit(child, (signal) => {
    if (asked && Date.now() - asked > 1000) child.kill(signal);
    if (asked) return;
    asked = Date.now();
    if (child.connected) child.disconnect();
    setTimeout(() => child.kill('SIGKILL'), drainSeconds * 1000).unref();
  });
}

/**
 * Runs a program, by its path or of node_modules/.bin, in the foreground; Ctrl-C in a terminal reaches it without us.
 *
 * @param {Tools} tools @param {string} name @param {string[]} args
 */
function runTool(tools, name, args) {
  const env = {
    ...environment(tools),
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    TURBO_CACHE: 'local:rw',
  };
  const child = spawn(resolve(root, 'node_modules/.bin', name), args, { cwd: root, env, stdio: 'inherit' });
  return untilExit(child, (signal) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {(signal: NodeJS.Signals) => void} onSignal
 * @returns {Promise<number>} its exit code, a signal counting as 128 + its number, as in a shell
 */
function untilExit(child, onSignal) {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => onSignal(signal));
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Failure(`${child.spawnfile} could not be started: ${error.message}`)));
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(error instanceof Failure ? error.message : error);
    process.exit(1);
  },
);
