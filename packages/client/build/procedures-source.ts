import { routerProcedures } from './router-procedures.ts';

/** The text of `procedures.gen.ts` for a router's record. */
export function proceduresSource(record: Record<string, unknown>): string {
  const lines = [...routerProcedures(record)].map(
    ([path, { kind, input, keyed, pages }]) =>
      `  '${path}': { kind: '${kind}', input: ${input}${keyed ? ', keyed: true' : ''}${pages ? ', pages: true' : ''} },\n`,
  );
  return `// Written by \`pnpm --filter @flowplane/client generate\` from the API's router.
import type { Procedure } from './calls.ts';

export const procedures = {
${lines.join('')}} as const satisfies Record<string, Procedure>;
`;
}
