import { z } from 'zod';
import { isJson, type Json, jsonBounds } from './json.ts';
import { limits } from './limits.ts';

/** A param may be as deep as any JSON, and is four levels below the definition. */
const draft = z.custom<Json>((value) => isJson(value, limits.jsonDepth + 4), { error: `must be ${jsonBounds}` });

export const workflowValidateInput = z.strictObject({
  definition: draft.meta({
    description: 'A definition, however unfinished',
    examples: [{ nodes: [{ id: 'a', type: 'transform', params: { value: '{{ input. }}' } }] }],
  }),
});

export const workflowValidation = z
  .object({
    valid: z.boolean().meta({ examples: [false] }),
    errors: z
      .array(
        z.object({
          path: z.string().meta({ examples: ['nodes[0].params.value'] }),
          message: z.string().meta({ examples: ['Unexpected token (node a)'] }),
        }),
      )
      .describe('What is wrong with it, by node and field; the first fifty'),
  })
  .meta({ id: 'WorkflowValidation' });
export type WorkflowValidation = z.infer<typeof workflowValidation>;
