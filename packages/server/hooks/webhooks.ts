import { isStorable } from '@flowplane/contract/text';
import type { WebhookVerification } from '@flowplane/contract/webhook';
import type { Db } from '@flowplane/db/database';
import { sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import { paramsOf } from './address.ts';

/** What answers on a path. */
export type Webhook = {
  teamId: string;
  workflowId: string;
  triggerId: string;
  version: number;
  definitionHash: string;
  respond: 'result' | 'immediate' | 'stream';
  verify: WebhookVerification | null;
  /** What the path's parameters stand for. */
  params: Record<string, string>;
};

/** `path` with its segments percent-encoded, so that a slash within one is told from one between two. */
export type WebhookAddress = { slug: string; method: string; path: string };

export type Webhooks = {
  /**
   * The webhook at an address: segments as they are come before parameters, then the workflow that was published there last.
   * Undefined when there is none.
   */
  find(address: WebhookAddress): Promise<Webhook | undefined>;
  /** Forgets what was found before, because something was published or deleted. */
  forget(): void;
};

/** How long another process's publication may go unseen; a look-up for every call would cost a third of a short execution. */
const rememberedMs = 1_000;

async function findWebhook(db: Db, { slug, method, path }: WebhookAddress): Promise<Webhook | undefined> {
  const row = await db
    .selectFrom('webhooks as h')
    .innerJoin('teams as t', 't.id', 'h.team_id')
    .innerJoin('workflows as w', 'w.id', 'h.workflow_id')
    .innerJoin('workflow_versions as v', (join) =>
      join.onRef('v.workflow_id', '=', 'w.id').onRef('v.version', '=', 'w.published_version'),
    )
    .select(['h.team_id', 'h.workflow_id', 'h.trigger_id', 'h.respond', 'h.verify', 'h.path'])
    .select(['v.version', 'v.definition_hash'])
    .where('t.slug', '=', slug)
    .where('h.method', '=', method)
    .where((is) =>
      is.or([
        is('h.path', '=', path),
        // With as many slashes, none is left for a % to match.
        is.and([sql<boolean>`${path} like h.pattern`, is(sql`length(h.specificity)`, '=', path.split('/').length)]),
      ]),
    )
    .orderBy(sql`h.specificity collate "C"`)
    .orderBy('h.published_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return (
    row && {
      teamId: row.team_id,
      workflowId: row.workflow_id,
      triggerId: row.trigger_id,
      version: row.version,
      definitionHash: row.definition_hash,
      respond: row.respond,
      verify: row.verify,
      params: paramsOf(row.path, path),
    }
  );
}

export function createWebhooks(db: Db): Webhooks {
  const found = new LRUCache<string, Webhook>({ max: 10_000, ttl: rememberedMs });
  return {
    async find(address) {
      // PostgreSQL would refuse to look for it.
      if (!isStorable(address.slug) || !isStorable(address.path)) return undefined;
      // No parameter stands for nothing; one that begins with a colon is a webhook's own text.
      if (address.path.split('/').some((segment) => segment === '' || segment.startsWith(':'))) return undefined;
      const key = `${address.slug} ${address.method} ${address.path}`;
      const known = found.get(key);
      if (known) return known;
      const webhook = await findWebhook(db, address);
      if (webhook) found.set(key, webhook);
      return webhook;
    },
    forget: () => found.clear(),
  };
}
