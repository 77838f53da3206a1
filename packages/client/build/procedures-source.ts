import { usualErrors } from '@flowplane/server/usual-errors';
import { routerProcedures } from './router-procedures.ts';

function written(value: object): string {
  return JSON.stringify(value)
    .replaceAll('"', "'")
    .replace(/'(\w+)':/g, '$1: ')
    .replace(/[,{]|(?=})/g, (mark) => (mark ? `${mark} ` : ' '));
}

/** The text of `procedures.gen.ts` for a router's record. */
export function proceduresSource(record: Record<string, unknown>): string {
  const lines = [...routerProcedures(record)].map(
    ([path, { summary: _, ...procedure }]) => `  '${path}': ${written(procedure)},\n`,
  );
  return `// Written by \`pnpm --filter @flowplane/client generate\` from the API's router.
import type { Procedure } from './calls.ts';

/** What any procedure may answer with. */
export const usualErrors = ${written(usualErrors)} as const;

export const procedures = {
${lines.join('')}} as const satisfies Record<string, Procedure>;
`;
}
