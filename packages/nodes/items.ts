import { isJson, type Json, jsonBounds } from '@flowplane/contract/json';
import { NodeError } from '@flowplane/engine/node-error';
import { z } from 'zod';

/** The most items of a list that one node works on. */
export const mostItems = 10_000;

/** A list to work on: one check of the whole instead of a schema for each of so many items. */
export const items = z
  .custom<Json[]>((value) => Array.isArray(value) && isJson(value), { error: `must be a list of ${jsonBounds}` })
  .meta({
    title: 'Items',
    description: 'The list, at most 10,000 items',
    type: 'array',
    examples: ['{{ nodes.orders.body }}'],
  });

/** @throws NodeError `too_many_items`; `what` names the list. */
export function checkCount(count: number, what: string): void {
  if (count <= mostItems) return;
  const message = `${what} has ${count.toLocaleString('en')} items and may have ${mostItems.toLocaleString('en')}; work on a part of it at a time`;
  throw new NodeError('too_many_items', message);
}
