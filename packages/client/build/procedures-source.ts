import { routerProcedures } from './router-procedures.ts';

/** The text of `procedures.gen.ts` for a router's record. */
export function proceduresSource(record: Record<string, unknown>): string {
  const lines = [...routerProcedures(record)].map(
    ([path, { kind, input }]) => `  '${path}': { kind: '${kind}', input: ${input} },\n`,
  );
  return `// Written by \`pnpm --filter @flowplane/client generate\` from the API's router.
import type { Procedure } from './calls.ts';

export const procedures: Record<string, Procedure> = {
${lines.join('')}};
`;
}
