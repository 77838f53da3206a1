import type { Db } from '@flowplane/db/database';
import type { Context, Principal } from '../context.ts';
import { record } from './record.ts';
import { fieldsOf, resourceOf } from './resource.ts';

/** Records what a signed-in caller's mutation has done, as far as its meta does not say otherwise. */
export async function recordDone(
  db: Db,
  { ctx, input, path }: { ctx: Context & { principal: Principal }; input: unknown; path: string },
  output?: unknown,
): Promise<void> {
  const { audit, principal, request } = ctx;
  if (audit === false) return;
  const { userId } = principal;
  const fields = fieldsOf(input);
  await record(db, {
    action: path,
    by: principal,
    from: request,
    resource: resourceOf({ action: path, rule: audit, userId }, input, output),
    details: fields.length > 0 ? { fields } : {},
  });
}
