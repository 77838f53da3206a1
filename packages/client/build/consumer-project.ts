import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const sdk = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** What the tarball wants installed beside it, and what an app with React has besides. */
const needed = ['@trpc/client', '@trpc/server', 'superjson'];
const reactNeeds = ['react', 'react-dom', '@tanstack/react-query', '@types/react', '@types/react-dom'];

/** The compilers that users of the SDK have. */
export const compilers = { '5.9': 'typescript-5', '7': 'typescript' } as const;

/** A project outside of the repository that has installed the packed SDK, as strict as TypeScript can be. */
export type ConsumerProject = {
  folder: string;
  /** Where the SDK is installed. */
  installed: string;
  write: (file: string, text: string) => void;
  /** Installs React and TanStack Query, whose types and those of browsers are then known too. */
  addReact: () => void;
  /** Compiles one file: what the compiler says, empty when nothing is wrong, and how long it took. */
  typeCheck: (file: string, compiler: keyof typeof compilers) => { errors: string; milliseconds: number };
  /** Bundles one file with Vite, minified: the programs, and the bytes of them gzipped. */
  bundle: (file: string, external?: string[]) => Promise<{ code: string; gzip: number }>;
  [Symbol.dispose]: () => void;
};

const strictest = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
  module: 'nodenext',
  types: [],
};

/** What a compiler says about a project, empty when nothing is wrong. */
export function compile(folder: string, compiler: keyof typeof compilers): string {
  const tsc = join(dirname(require.resolve(`${compilers[compiler]}/package.json`)), 'bin/tsc');
  try {
    return execFileSync(process.execPath, [tsc, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) return String(error.stdout);
    throw error;
  }
}

async function bundle(folder: string, file: string, external: string[]) {
  const built = await build({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: true,
      rolldownOptions: { input: join(folder, file), external, preserveEntrySignatures: 'strict' },
    },
  });
  const outputs = Array.isArray(built) ? built : 'output' in built ? [built] : [];
  const code = outputs
    .flatMap(({ output }) => output)
    .map((chunk) => (chunk.type === 'chunk' ? chunk.code : ''))
    .join('\n');
  return { code, gzip: gzipSync(code).length };
}

function packInto(folder: string, installed: string): void {
  execFileSync(process.execPath, ['build/build.ts'], { cwd: sdk });
  const packed = execFileSync('pnpm', ['pack', '--json', '--pack-destination', folder], { cwd: sdk, encoding: 'utf8' });
  const { filename }: { filename: string } = JSON.parse(packed);
  execFileSync('tar', ['-xzf', filename, '--strip-components=1', '-C', installed]);
}

function link(folder: string, names: string[]): void {
  for (const name of names) {
    const place = join(folder, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(realpathSync(join(sdk, 'node_modules', name)), place);
  }
}

/**
 * Builds and packs the SDK, and makes a project that has installed it. What it depends on comes from this repository's store, so
 * that no network is needed.
 */
export function makeConsumerProject(): ConsumerProject {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flowplane-consumer-')));
  const installed = join(folder, 'node_modules/@flowplane/client');
  mkdirSync(installed, { recursive: true });
  packInto(folder, installed);
  link(folder, needed);

  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  let react = false;
  return {
    folder,
    installed,
    write,
    addReact() {
      link(folder, reactNeeds);
      react = true;
    },
    typeCheck(file, compiler) {
      const app = { jsx: 'react-jsx', lib: ['es2022', 'dom', 'dom.iterable'] };
      const compilerOptions = react ? { ...strictest, ...app } : strictest;
      write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }));
      const started = performance.now();
      const errors = compile(folder, compiler);
      return { errors, milliseconds: performance.now() - started };
    },
    bundle: (file, external = []) => bundle(folder, file, external),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A file of the installed SDK. */
export function installedFile({ installed }: ConsumerProject, file: string): string {
  return readFileSync(join(installed, file), 'utf8');
}
