import { authRouter } from './auth/router.ts';
import { executionsRouter } from './executions/router.ts';
import { router } from './trpc.ts';
import { workflowsRouter } from './workflows/router.ts';

/** Every resource. REST, OpenAPI, permissions and the SDK are derived from this record. */
export const api = {
  auth: authRouter,
  workflows: workflowsRouter,
  executions: executionsRouter,
};

export const appRouter = router(api);
