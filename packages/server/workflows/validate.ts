import { definition as definitionSchema } from '@flowplane/contract/definition';
import { writePath } from '@flowplane/contract/errors';
import type { WorkflowValidation, workflowValidateInput } from '@flowplane/contract/workflow-validate';
import type { z } from 'zod';
import { credentialErrors } from './check-credentials.ts';
import { errorsOf, type Scope } from './workflows.ts';

/** Errors past this many tell an author nothing more. */
const most = 50;

/** What saving a definition would say is wrong with it. Writes nothing. */
export async function validateDefinition(
  scope: Pick<Scope, 'teamId' | 'nodeTypes' | 'vault'>,
  { definition }: z.output<typeof workflowValidateInput>,
): Promise<WorkflowValidation> {
  const parsed = definitionSchema.safeParse(definition);
  const errors = parsed.success
    ? [...errorsOf(parsed.data, scope.nodeTypes), ...(await credentialErrors(scope, parsed.data))]
    : parsed.error.issues.map(({ path, message }) => ({ path: writePath(path), message }));
  return { valid: errors.length === 0, errors: errors.slice(0, most) };
}
