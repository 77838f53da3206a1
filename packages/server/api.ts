import { approvalsRouter } from './approvals/router.ts';
import { auditRouter } from './audit/router.ts';
import { authRouter } from './auth/router.ts';
import { credentialsRouter } from './credentials/router.ts';
import { eventsRouter } from './events/router.ts';
import { executionsRouter } from './executions/router.ts';
import { nodeTypesRouter } from './node-types/router.ts';
import { schedulesRouter } from './schedules/router.ts';
import { invitationsRouter } from './teams/invitations-router.ts';
import { teamsRouter } from './teams/router.ts';
import { router } from './trpc.ts';
import { usersRouter } from './users/router.ts';
import { workflowsRouter } from './workflows/router.ts';

/** Every resource. REST, OpenAPI, permissions and the SDK are derived from this record. */
export const api = {
  auth: authRouter,
  users: usersRouter,
  teams: teamsRouter,
  invitations: invitationsRouter,
  workflows: workflowsRouter,
  nodeTypes: nodeTypesRouter,
  executions: executionsRouter,
  approvals: approvalsRouter,
  schedules: schedulesRouter,
  events: eventsRouter,
  credentials: credentialsRouter,
  audit: auditRouter,
};

export const appRouter = router(api);
