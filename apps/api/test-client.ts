import { createClient, type Inputs } from '@flowplane/client';
import { owner } from './test-process.ts';

export type Definition = Inputs['workflows']['create']['definition'];
type Node = Definition['nodes'][number];

/** The SDK, signed in as the owner; `slug` is the owner's team's. */
export async function ownerOf({ url }: { url: string }) {
  const { accessToken, team } = await createClient({ url }).auth.login(owner);
  const client = createClient({ url, token: accessToken });

  /** Publishes a workflow of nodes in a row, with more in its definition where given. */
  async function publish(nodes: Node[], more: Partial<Definition> = {}): Promise<string> {
    const edges = nodes.slice(1).map((node, index) => ({ from: nodes[index]?.id ?? '', to: node.id }));
    const { id } = await client.workflows.create({ name: 'Test', definition: { nodes, edges, ...more } });
    await client.workflows.publish({ id });
    return id;
  }

  return { client, slug: team.slug, bearer: { authorization: `Bearer ${accessToken}` }, publish };
}
