import {
  eventGetInput,
  eventListInput,
  eventPage,
  eventSendInput,
  eventSent,
  receivedEvent,
} from '@flowplane/contract/event';
import type { TRPCRouterRecord } from '@trpc/server';
import type { Context, Principal } from '../context.ts';
import { reservedId } from '../idempotency/reserved-id.ts';
import { procedure } from '../trpc.ts';
import { getEvent, listEvents } from './events.ts';
import { sendEvent } from './send.ts';

const tags = ['events'];

function scope({ database, engine, principal }: Context & { principal: Principal }) {
  return { db: database.db, teamId: principal.teamId, engine };
}

export const eventsRouter = {
  send: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/events',
        tags,
        summary: 'Send an event',
        description:
          'Starts every published workflow with an `event` trigger that matches. Sent again with the same `id` or ' +
          '`Idempotency-Key`, it starts nothing twice.',
      },
      permission: 'events:write',
      audit: false,
      status: 202,
      statusDescriptions: { 202: 'It is stored, and what it starts is.' },
    })
    .input(eventSendInput)
    .output(eventSent)
    .mutation(async ({ ctx, input, path }) =>
      sendEvent({ ...scope(ctx), reservedId: await reservedId(ctx, { path, input }) }, input),
    ),

  list: procedure
    .meta({
      openapi: { method: 'GET', path: '/events', tags, summary: 'List events' },
      permission: 'events:read',
    })
    .input(eventListInput)
    .output(eventPage)
    .query(({ ctx, input }) => listEvents(scope(ctx), input)),

  get: procedure
    .meta({
      openapi: { method: 'GET', path: '/events/{id}', tags, summary: 'Get an event with its data' },
      permission: 'events:read',
    })
    .input(eventGetInput)
    .output(receivedEvent)
    .query(({ ctx, input }) => getEvent(scope(ctx), input.id)),
} satisfies TRPCRouterRecord;
