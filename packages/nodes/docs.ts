import type { ExampleArrival, NodeExample, NodeType, NodeTypes } from '@flowplane/engine/node-type';
import { paramRows } from './param-rows.ts';

const head = `# Nodes

Every node type with its params and an example. Written by \`pnpm --filter @flowplane/nodes run docs\` from the node types in \`packages/nodes/index.ts\`;
tests keep it up to date and run each example. What all nodes have in common, and how expressions work, is in [workflows.md](workflows.md).

**Per item**: the params that are marked so are evaluated by the node, once for each item, with \`item\` and \`index\` (from 0) in scope.
They take a path into the item, such as \`customer.name\` or \`lines.0.price\`, or text with \`{{ }}\`. All items together have the time of one
expression. A list may have 10,000 items.
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function table(type: NodeType): string {
  const header = ['Param', 'Type', 'Default', 'Description'];
  const rows = paramRows(type).map((row) => {
    const perItem = type.perItem.includes(row.name) ? ' (per item)' : '';
    return [`\`${row.name}\`${perItem}`, row.type, row.default, row.description].map(cell);
  });
  const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

/** JSON on one line, with spaces; a line break within a string is escaped and stays. */
function onOneLine(value: unknown): string {
  return JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, ' ');
}

function definitionText({ nodes, edges = [], output }: NodeExample['definition']): string {
  const list = (name: string, entries: unknown[]) =>
    entries.length === 0
      ? `  "${name}": []`
      : `  "${name}": [\n${entries.map((one) => `    ${onOneLine(one)}`).join(',\n')}\n  ]`;
  const last = output === undefined ? [] : [`  "output": ${onOneLine(output)}`];
  return `{\n${[list('nodes', nodes), list('edges', edges), ...last].join(',\n')}\n}`;
}

function arrivalText(arrival: ExampleArrival): string {
  const code = (value: unknown) => `\`${JSON.stringify(value)}\``;
  if ('event' in arrival) return `, once the event \`${arrival.event}\` with the data ${code(arrival.data)} was sent`;
  const { approved, fields } = arrival.decision;
  return `, once it was ${approved ? 'approved' : 'rejected'} with the fields ${code(fields)}`;
}

function calledText([id, definition]: [string, NodeExample['definition']]): string {
  return `\nThe workflow that it calls, published as \`${id}\`:\n\n\`\`\`json workflow\n${definitionText(definition)}\n\`\`\`\n`;
}

function exampleText(example: NodeExample): string {
  const started =
    example.input === undefined ? ' without an input' : ` with the input \`${JSON.stringify(example.input)}\``;
  const ended =
    'output' in example
      ? `ends with \`${JSON.stringify(example.output)}\``
      : `fails with \`${JSON.stringify(example.error)}\``;
  const arrived = example.arrives ? arrivalText(example.arrives) : '';
  const called = Object.entries(example.calls ?? {})
    .map(calledText)
    .join('');
  return `\`\`\`json workflow\n${definitionText(example.definition)}\n\`\`\`\n${called}\nStarted${started}, it ${ended}${arrived}.\n`;
}

function section(type: NodeType): string {
  const ports = type.ports({});
  const named = ports.length > 1 ? `\n\nPorts: ${ports.map((port) => `\`${port}\``).join(', ')}.` : '';
  const example = type.example ? `\n\n${exampleText(type.example)}` : '\n';
  return `## ${type.title}: \`${type.type}\`\n\n${type.description}${named}\n\n${table(type)}${example}`;
}

/** The page `docs/nodes.md`. */
export function nodesPage(types: NodeTypes): string {
  return [head, ...[...types.values()].map(section)].join('\n');
}
