import { z } from 'zod';
import { edge, node, trigger } from './definition.ts';
import { id } from './id.ts';
import { json } from './json.ts';

/** One value that differs. Without `from` it was not there before, without `to` it is not there any more. */
export const valueChange = z
  .object({
    path: z.string().meta({
      description: 'Where, as a JSON Pointer (RFC 6901) within the node, the trigger or the definition',
      examples: ['/params/value/tier'],
    }),
    from: json.optional().meta({ description: 'The value before; absent where there was none', examples: ['gold'] }),
    to: json.optional().meta({ description: 'The value now; absent where there is none', examples: ['silver'] }),
  })
  .meta({ id: 'ValueChange' });
export type ValueChange = z.infer<typeof valueChange>;

const changed = z.array(z.object({ id: z.string().meta({ examples: ['order'] }), changes: z.array(valueChange) }));

/** What differs between two definitions. The order of nodes, edges and triggers means nothing and is not compared. */
export const workflowDiff = z
  .object({
    nodes: z.object({ added: z.array(node), removed: z.array(node), changed }).describe('By the ids of nodes'),
    edges: z.object({ added: z.array(edge), removed: z.array(edge) }),
    triggers: z
      .object({ added: z.array(trigger), removed: z.array(trigger), changed })
      .describe('By the ids of triggers'),
    settings: z.array(valueChange).describe('The output and whatever else the definition says as a whole'),
  })
  .meta({ id: 'WorkflowDiff' });
export type WorkflowDiff = z.infer<typeof workflowDiff>;

const side = z.string().regex(/^(?:draft|[1-9][0-9]{0,8})$/, { error: 'must be the number of a version, or draft' });

export const workflowDiffInput = z.strictObject({
  id,
  from: side.meta({ description: 'The number of a version, or `draft`', examples: ['1'] }),
  to: side.default('draft').meta({ description: 'The number of a version, or `draft`', examples: ['draft'] }),
});
