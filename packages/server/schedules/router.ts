import {
  schedule,
  scheduleGetInput,
  scheduleListInput,
  schedulePage,
  schedulePreview,
  schedulePreviewInput,
  schedulesOfWorkflowInput,
} from '@flowplane/contract/schedule';
import type { TRPCRouterRecord } from '@trpc/server';
import type { Context, Principal } from '../context.ts';
import { once } from '../idempotency/once.ts';
import { procedure } from '../trpc.ts';
import { getSchedule, listSchedules, pauseSchedule, previewSchedule, schedulesOfWorkflow } from './schedules.ts';

const tags = ['schedules'];

function scope({ database, principal }: Context & { principal: Principal }) {
  return { db: database.db, teamId: principal.teamId };
}

export const schedulesRouter = {
  list: procedure
    .meta({
      openapi: { method: 'GET', path: '/schedules', tags, summary: 'List schedules' },
      permission: 'workflows:read',
    })
    .input(scheduleListInput)
    .output(schedulePage)
    .query(({ ctx, input }) => listSchedules(scope(ctx), input)),

  ofWorkflow: procedure
    .meta({
      openapi: { method: 'GET', path: '/workflows/{id}/schedules', tags, summary: 'List a workflow’s schedules' },
      permission: 'workflows:read',
    })
    .input(schedulesOfWorkflowInput)
    .output(schedulePage)
    .query(({ ctx, input }) => schedulesOfWorkflow(scope(ctx), input)),

  preview: procedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/schedules/preview',
        tags,
        summary: 'Show when a cron expression fires',
        description: 'Nothing is stored. What is wrong with the expression or the time zone is said as when saving.',
      },
      permission: 'workflows:read',
    })
    .input(schedulePreviewInput)
    .output(schedulePreview)
    .query(({ ctx, input }) => previewSchedule(ctx.database.db, input)),

  get: procedure
    .meta({
      openapi: { method: 'GET', path: '/schedules/{id}', tags, summary: 'Get a schedule' },
      permission: 'workflows:read',
    })
    .input(scheduleGetInput)
    .output(schedule)
    .query(({ ctx, input }) => getSchedule(scope(ctx), input.id)),

  pause: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/schedules/{id}/pause',
        tags,
        summary: 'Pause a schedule',
        description: 'It does not fire until it is resumed, also when the workflow is published again.',
      },
      permission: 'workflows:write',
      exampleFields: { 200: { paused: true, nextFireTimes: [] } },
    })
    .input(scheduleGetInput)
    .output(schedule)
    .mutation(once(({ ctx, input }) => pauseSchedule(scope(ctx), { ...input, paused: true }))),

  resume: procedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/schedules/{id}/resume',
        tags,
        summary: 'Let a paused schedule fire again',
        description: 'It goes on from now: what it did not fire while it was paused is not made up for.',
      },
      permission: 'workflows:write',
    })
    .input(scheduleGetInput)
    .output(schedule)
    .mutation(once(({ ctx, input }) => pauseSchedule(scope(ctx), { ...input, paused: false }))),
} satisfies TRPCRouterRecord;
