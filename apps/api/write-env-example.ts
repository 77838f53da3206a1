import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './config.ts';
import { envExample } from './env-example.ts';

writeFileSync(join(root, '.env.example'), envExample());
