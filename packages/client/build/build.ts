import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { api } from '@flowplane/server/api';
import { build } from 'rolldown';
import { declarations } from './declarations.ts';
import { routerProcedures } from './router-procedures.ts';

const root = new URL('../', import.meta.url);
const dist = new URL('dist/', root);

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
await build({
  input: fileURLToPath(new URL('index.ts', root)),
  external: [/^@trpc\//, 'superjson'],
  platform: 'neutral',
  output: { file: fileURLToPath(new URL('index.js', dist)), format: 'esm' },
  logLevel: 'warn',
});
const summaries = new Map([...routerProcedures(api)].map(([path, { summary }]) => [path, summary]));
writeFileSync(new URL('index.d.ts', dist), declarations(summaries));
