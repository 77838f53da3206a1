import { z } from 'zod';
import { credentialKindName } from './credential-kinds.ts';
import { definition } from './definition.ts';
import { id } from './id.ts';
import { limits } from './limits.ts';
import { text } from './text.ts';

/** The format that is written, and the only one that is read. */
export const exportFormat = 'flowplane/workflow@1';

const format = z
  .literal(exportFormat, { error: `must be ${exportFormat}: no other format is known here` })
  .describe('The format and its version');

const ref = id.describe('Stands for the credential in the definition; it means nothing outside of the export');

/** A credential that an export needs: never its id here, and never its values. */
const exportedCredential = z
  .strictObject({
    ref,
    name: text
      .min(1)
      .max(200)
      .meta({ examples: ['Shop API'] }),
    kind: credentialKindName,
  })
  .meta({ id: 'ExportedCredential' });
export type ExportedCredential = z.infer<typeof exportedCredential>;

const credentials = z
  .array(exportedCredential)
  .max(limits.nodes)
  .meta({ description: 'The credentials that its nodes use', examples: [[]] });

const name = text
  .trim()
  .min(1)
  .max(200)
  .meta({ examples: ['Order tiers'] });
const description = text.max(2_000).meta({ examples: ['Greets the customers of large orders'] });

/** A workflow’s draft as a document, for another team or another installation. */
export const workflowExport = z
  .object({ format, name, description, definition, credentials })
  .meta({ id: 'WorkflowExport' });
export type WorkflowExport = z.infer<typeof workflowExport>;

export const workflowExportInput = z.strictObject({ id });

export const workflowImportInput = z.strictObject({
  format,
  name: name.describe('What the new workflow is called'),
  description: description.default(''),
  definition,
  credentials: credentials.default([]),
  mapping: z
    .record(id, id)
    .refine((mapping) => Object.keys(mapping).length <= limits.nodes, { error: `may hold at most ${limits.nodes}` })
    .default({})
    .meta({
      description:
        'The team’s credential for each `ref`; where it is absent, the only credential of the same name and kind is taken',
      examples: [{}],
    }),
});
