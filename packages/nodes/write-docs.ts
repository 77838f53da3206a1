import { writeFileSync } from 'node:fs';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { nodesPage } from './docs.ts';
import { builtinNodes } from './index.ts';

const types = builtinNodes({ sandbox: createSandbox(), fetch: createGuardedFetch({ allowPrivate: [] }).fetch });
writeFileSync(new URL('../../docs/nodes.md', import.meta.url), nodesPage(types));
