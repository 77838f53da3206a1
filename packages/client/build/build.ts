import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { api } from '@flowplane/server/api';
import { build } from 'rolldown';
import { declarations, reactDeclarations } from './declarations.ts';
import { routerProcedures } from './router-procedures.ts';

const root = new URL('../', import.meta.url);
const dist = new URL('dist/', root);

const source = (file: string) => fileURLToPath(new URL(file, root));

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
await build({
  input: { index: source('index.ts'), react: source('react/index.ts') },
  external: [/^@trpc\//, 'superjson', 'react', '@tanstack/react-query'],
  platform: 'neutral',
  output: { dir: fileURLToPath(dist), format: 'esm' },
  logLevel: 'warn',
});
const procedures = routerProcedures(api);
writeFileSync(new URL('index.d.ts', dist), declarations(procedures));
writeFileSync(new URL('react.d.ts', dist), reactDeclarations(procedures));
