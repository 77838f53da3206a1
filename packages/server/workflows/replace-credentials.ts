import type { Definition, Trigger } from '@flowplane/contract/definition';
import { changeNodes } from '@flowplane/engine/graph/nodes-within';
import type { NodeTypes } from '@flowplane/engine/node-type';

/** A definition that names other credentials, wherever it names any. @param by what each of its credentials becomes. */
export function replaceCredentials(
  definition: Definition,
  by: ReadonlyMap<string, string>,
  nodeTypes: NodeTypes,
): Definition {
  const other = (id: string) => by.get(id) ?? id;
  const { nodes } = changeNodes(definition, nodeTypes, (node) =>
    node.credentialId === undefined ? node : { ...node, credentialId: other(node.credentialId) },
  );
  const triggers = definition.triggers.map((trigger): Trigger => {
    if (trigger.type !== 'webhook' || !trigger.verify) return trigger;
    const { credentialId, previousCredentialIds } = trigger.verify;
    const previous = previousCredentialIds && { previousCredentialIds: previousCredentialIds.map(other) };
    return { ...trigger, verify: { ...trigger.verify, credentialId: other(credentialId), ...previous } };
  });
  return { ...definition, nodes, triggers };
}
