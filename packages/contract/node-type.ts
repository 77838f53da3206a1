import { z } from 'zod';
import { json } from './json.ts';

const paramName = z.string();

/** A node type as an editor needs it. */
export const nodeTypeInfo = z
  .object({
    type: z.string().meta({ examples: ['transform'] }),
    title: z.string().meta({ examples: ['Transform'] }),
    description: z.string().meta({ examples: ['Makes a value out of others.'] }),
    params: z.record(z.string(), json).meta({
      description: 'The JSON Schema (draft 2020-12) of its params once expressions are evaluated',
      examples: [{ type: 'object', properties: { value: {} }, required: ['value'], additionalProperties: false }],
    }),
    defaults: z.record(z.string(), json).meta({ description: 'What params are when they are absent', examples: [{}] }),
    literal: z.array(paramName).meta({
      description: 'Params in which the engine does not evaluate {{ }}',
      examples: [[]],
    }),
    perItem: z.array(paramName).meta({
      description: 'Those of them whose {{ }} the node evaluates itself, once for each item',
      examples: [[]],
    }),
    ports: z.array(z.string()).meta({
      description:
        'Its outputs; params may add some, as the cases of a `switch` do, and `onError: branch` adds `error`',
      examples: [['out']],
    }),
    body: z
      .string()
      .nullable()
      .meta({ description: 'The param that holds the graph it repeats; null when it is no loop', examples: [null] }),
    exampleWorkflow: json.meta({
      description: 'A small workflow that uses it, what it is started with, and how it ends; null when there is none',
      examples: [{ definition: { nodes: [{ id: 'a', type: 'transform', params: { value: 1 } }] }, output: 1 }],
    }),
  })
  .meta({ id: 'NodeType' });
export type NodeTypeInfo = z.infer<typeof nodeTypeInfo>;

export const nodeTypeList = z.object({ items: z.array(nodeTypeInfo) }).meta({ id: 'NodeTypeList' });
