import { appRouter } from './api.ts';
import { problemOfError } from './problem.ts';
import { idempotencyErrors, revisionErrors, usualErrors } from './usual-errors.ts';

/** Every code that may come from a procedure that declares `errors`. */
function answeredBy({ errors = [] }: { errors?: readonly string[] }): Set<string> {
  return new Set<string>([...usualErrors, ...idempotencyErrors, ...revisionErrors, ...errors]);
}

const undeclared = new Set<string>();

function declaredBy(path: string): string[] {
  const procedure: unknown = Reflect.get(appRouter._def.procedures, path);
  const definition: unknown = typeof procedure === 'function' && '_def' in procedure ? procedure._def : undefined;
  const meta = definition && typeof definition === 'object' && 'meta' in definition ? definition.meta : undefined;
  return meta && typeof meta === 'object' && 'errors' in meta && Array.isArray(meta.errors) ? meta.errors : [];
}

/** Notes a code that a procedure answered a test with, unless its meta declares it or it is a usual one. */
export function noteAnswer(path: string | undefined, error: unknown): void {
  const { code } = problemOfError(error, 'req_test');
  if (path && !answeredBy({ errors: declaredBy(path) }).has(code)) undeclared.add(`${path}: ${code}`);
}

/** @throws Error that names what procedures answered with in the tests of this process although they do not declare it. */
export function expectDeclared(): void {
  if (undeclared.size === 0) return;
  throw new Error(`declare in the procedures’ meta, as errors: ${[...undeclared].join(', ')}`);
}
