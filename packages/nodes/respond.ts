import { json } from '@flowplane/contract/json';
import { defineNode } from '@flowplane/engine/node-type';
import { z } from 'zod';

/** Set by the server itself, or able to change how the answer is framed or trusted. */
const reserved = [
  'connection',
  'content-length',
  'transfer-encoding',
  'set-cookie',
  'upgrade',
  'trailer',
  'keep-alive',
];

const headers = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9-]{1,100}$/, { error: 'must be a header name' })
      .refine((name) => !reserved.includes(name.toLowerCase()), { error: 'is set by the server' }),
    z
      .string()
      .max(8_192)
      .regex(/^[\t\x20-\x7e]*$/, { error: 'must be printable ASCII' }),
  )
  .refine((all) => Object.keys(all).length <= 50, { error: 'at most 50 headers' });

export const respond = defineNode({
  type: 'respond',
  title: 'Respond',
  description: 'Answers the webhook that started the execution, which then goes on.',
  params: z.strictObject({
    status: z.int().min(200).max(599).default(200).meta({ title: 'Status', description: 'The HTTP status' }),
    headers: headers.default({}).meta({
      title: 'Headers',
      description: '50 at most; those that frame the answer are the server’s',
      examples: [{ location: '/orders/{{ input.id }}' }],
    }),
    body: json.default(null).meta({
      title: 'Body',
      description: 'Sent as JSON; a string is sent as it is when a content-type header is given',
    }),
  }),
  example: {
    definition: {
      nodes: [
        {
          id: 'answer',
          type: 'respond',
          params: { status: 201, headers: { location: '/orders/{{ input.id }}' }, body: { accepted: true } },
        },
      ],
    },
    input: { id: 7 },
    output: { status: 201, headers: { location: '/orders/7' }, body: { accepted: true } },
  },
  run: (answer) => ({ output: answer, respond: answer }),
});
