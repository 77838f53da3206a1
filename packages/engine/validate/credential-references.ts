import type { Definition } from '@flowplane/contract/definition';
import type { NodeTypes } from '../node-type.ts';
import { partsOf } from './validate.ts';

/** Where a definition names a credential, and whether to send it or to check with it what others have signed. */
export type CredentialReference = { id: string; path: string; use: 'send' | 'verify' };

/** Every credential that a definition names, those in the bodies of loops and of its triggers included. */
export function credentialReferences(definition: Definition, types: NodeTypes): CredentialReference[] {
  const ofNodes = partsOf({ graph: definition, at: '', depth: 0 }, types).flatMap(({ graph, at }) =>
    graph.nodes.flatMap(({ credentialId }, index): CredentialReference[] =>
      credentialId === undefined ? [] : [{ id: credentialId, path: `${at}nodes[${index}].credentialId`, use: 'send' }],
    ),
  );
  const ofTriggers = definition.triggers.flatMap((trigger, index) => {
    if (trigger.type !== 'webhook' || !trigger.verify) return [];
    const at = `triggers[${index}].verify`;
    const { credentialId, previousCredentialIds = [] } = trigger.verify;
    return [
      { id: credentialId, path: `${at}.credentialId` },
      ...previousCredentialIds.map((id, place) => ({ id, path: `${at}.previousCredentialIds[${place}]` })),
    ].map((reference): CredentialReference => ({ ...reference, use: 'verify' }));
  });
  return [...ofNodes, ...ofTriggers];
}
