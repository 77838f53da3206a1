import { json } from '@flowplane/contract/json';
import { z } from 'zod';
import { bodyMistake } from './http-body.ts';
import { pagination } from './http-pagination.ts';

const scalar = z.union([z.string().max(8_192), z.number(), z.boolean()]);

/** The params of `http.request`. */
export const params = z
  .strictObject({
    method: z
      .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .default('GET')
      .meta({ title: 'Method', description: 'The HTTP method' }),
    url: z
      .string()
      .min(1)
      .max(8_192)
      .meta({ title: 'URL', description: 'Where to', examples: ['https://api.example.com/orders/{{ input.id }}'] }),
    query: z
      .record(
        z.string().max(200),
        z.union([scalar, z.null(), z.array(scalar).max(100)], {
          error: 'must be a text, a number, true or false, null, or a list of them (100 at most)',
        }),
      )
      .default({})
      .meta({
        title: 'Query',
        description: 'Added to the URL; a list repeats its parameter, null leaves it out',
        examples: [{ status: ['open', 'new'] }],
      }),
    headers: z
      .record(z.string().max(100), z.string().max(8_192))
      .default({})
      .meta({ title: 'Headers', description: 'Sent beside `Idempotency-Key`', examples: [{ 'x-shop': '7' }] }),
    body: json.optional().meta({
      title: 'Body',
      description: 'What `bodyType` says; any JSON by default',
      examples: [{ sku: '{{ input.sku }}' }],
    }),
    bodyType: z.enum(['auto', 'json', 'form', 'text', 'base64']).default('auto').meta({
      title: 'Body type',
      description:
        '`auto` sends a string as it is and everything else as JSON; `form` sends an object as application/x-www-form-urlencoded, `base64` the bytes',
    }),
    response: z
      .enum(['auto', 'json', 'text', 'base64'])
      .default('auto')
      .meta({ title: 'Response', description: 'How to read the body; `auto` goes by its content type' }),
    expect: z
      .union([z.enum(['success', 'any']), z.array(z.int().min(100).max(599)).min(1).max(50)], {
        error: 'must be success, any, or a list of statuses such as [200, 404]',
      })
      .default('success')
      .meta({
        title: 'Expect',
        description: 'Which statuses do not fail the step: `success` those below 400, `any` all, or a list of statuses',
        examples: [[200, 404]],
      }),
    redirects: z
      .int()
      .min(0)
      .max(20)
      .default(5)
      .meta({ title: 'Redirects', description: 'How many to follow; with 0 the redirect itself is the answer' }),
    timeoutSeconds: z
      .number()
      .min(0.1)
      .max(300)
      .default(30)
      .meta({ title: 'Timeout', description: 'Seconds for all of it, redirects and pages included' }),
    pagination: pagination.optional().meta({
      title: 'Pagination',
      description:
        'Reads further pages; the body is then the list of the items of all of them, beside `pages` and `complete`',
    }),
  })
  .superRefine((given, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const mistake = bodyMistake(given);
    if (mistake) issue('body', mistake);
    if (given.pagination && given.response !== 'auto' && given.response !== 'json') {
      issue('response', 'must be auto or json to read pages');
    }
  });

export type Params = z.output<typeof params>;
