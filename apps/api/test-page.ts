import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './config.ts';
import { dataDirectory, freePort, type Instance, owner, startInstance } from './test-process.ts';

const mark = '--- next block ---';

/** A page of the documentation beside an instance of its own, which its commands are run against. */
export type Page = {
  instance: Instance;
  /** The page's shell blocks, in order. */
  commands: string[];
  /**
   * Runs blocks in one shell in an empty directory, so that each has the variables and files of those before it.
   *
   * @returns what each wrote, trimmed. @throws when a command fails.
   */
  run: (...texts: string[]) => Promise<string[]>;
  [Symbol.asyncDispose]: () => Promise<void>;
};

/** Starts an instance for a page: `docs/<name>.md`. @param settings further settings of the instance. */
export async function openPage(name: string, settings: Record<string, string> = {}): Promise<Page> {
  const text = readFileSync(join(root, `docs/${name}.md`), 'utf8');
  const data = dataDirectory();
  const instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path, ...settings });
  await instance.ready();
  return {
    instance,
    commands: [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, command = '']) => command),
    async run(...texts) {
      const script = texts.map((each) => `${each}\necho; echo '${mark}'`).join('\n');
      const { stdout } = await promisify(execFile)(
        'bash',
        ['-euo', 'pipefail', '-c', script.replaceAll('localhost:8000', `localhost:${instance.port}`)],
        {
          cwd: data.path,
          env: { PATH: '/usr/local/bin:/usr/bin:/bin', OWNER_PASSWORD: owner.password },
          timeout: 60_000,
        },
      );
      return stdout
        .split(mark)
        .slice(0, -1)
        .map((output) => output.trim());
    },
    async [Symbol.asyncDispose]() {
      instance.child.kill('SIGTERM');
      await instance.ended;
      await data[Symbol.asyncDispose]();
    },
  };
}
