import { logLevel } from '@flowplane/contract/execution';
import { json } from '@flowplane/contract/json';
import { limits } from '@flowplane/contract/limits';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

export const log = defineNode({
  type: 'log',
  title: 'Log',
  description: 'Writes a line to the execution’s log.',
  params: z.strictObject({
    level: logLevel.default('info'),
    message: z.string().max(limits.logMessage),
    data: json.default(null).describe('Shown beside the message'),
  }),
  run({ level, message, data }, { log: write }) {
    write(level, message, data);
    return { output: null };
  },
});
