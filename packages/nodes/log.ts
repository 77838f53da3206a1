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
    level: logLevel.default('info').meta({ title: 'Level', description: 'How much it matters' }),
    message: z
      .string()
      .max(limits.logMessage)
      .meta({ title: 'Message', description: 'One line for people', examples: ['{{ input.length }} orders'] }),
    data: json.default(null).meta({ title: 'Data', description: 'Shown beside the message' }),
  }),
  example: {
    definition: {
      nodes: [
        {
          id: 'note',
          type: 'log',
          params: { level: 'info', message: '{{ input.length }} orders', data: '{{ input }}' },
        },
      ],
    },
    input: [7, 8],
    output: null,
  },
  run({ level, message, data }, { log: write }) {
    write(level, message, data);
    return { output: null };
  },
});
