import { writeFileSync } from 'node:fs';
import { api } from '@flowplane/server/api';
import { proceduresSource } from './procedures-source.ts';

writeFileSync(new URL('../procedures.gen.ts', import.meta.url), proceduresSource(api));
