import type { Json } from '@flowplane/contract/json';
import type { NodeTypeInfo } from '@flowplane/contract/node-type';
import type { NodeType, NodeTypes } from '@flowplane/engine/node-type';
import { z } from 'zod';

type Fields = { [key: string]: Json };

function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null));
}

function fieldsOf(value: unknown): Fields {
  const copy = plain(value);
  return copy !== null && typeof copy === 'object' && !Array.isArray(copy) ? copy : {};
}

function defaultsOf(schema: Fields): Fields {
  const entries = Object.entries(fieldsOf(schema.properties)).flatMap(([name, property]) => {
    const fields = fieldsOf(property);
    return fields.default === undefined ? [] : [[name, fields.default] as const];
  });
  return Object.fromEntries(entries);
}

function infoOf(nodeType: NodeType): NodeTypeInfo {
  const { type, title, description, literal, perItem, example } = nodeType;
  // What JSON Schema has no words for, such as any JSON value, is left open.
  const params = fieldsOf(z.toJSONSchema(nodeType.params, { io: 'input', unrepresentable: 'any' }));
  return {
    type,
    title,
    description,
    params,
    defaults: defaultsOf(params),
    literal: [...literal],
    perItem: [...perItem],
    ports: [...nodeType.ports({})],
    body: nodeType.loop?.body ?? null,
    exampleWorkflow: plain(example),
  };
}

const known = new WeakMap<NodeTypes, NodeTypeInfo[]>();

/** Every node type that can be used, by title. Worked out once, as the types of a process never change. */
export function listNodeTypes(nodeTypes: NodeTypes): { items: NodeTypeInfo[] } {
  const items =
    known.get(nodeTypes) ?? [...nodeTypes.values()].map(infoOf).sort((a, b) => a.title.localeCompare(b.title, 'en'));
  known.set(nodeTypes, items);
  return { items };
}
