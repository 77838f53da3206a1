import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentialCreateInput } from '@flowplane/contract/credential';
import { credentialKinds } from '@flowplane/contract/credential-kinds';
import { definition } from '@flowplane/contract/definition';
import { createGuardedFetch } from '@flowplane/egress/guarded-fetch';
import { definitionErrors } from '@flowplane/engine/validate/validate';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { builtinNodes } from '@flowplane/nodes/index';
import { expect, test } from 'vitest';
import { root } from './config.ts';
import { settings } from './settings.ts';

const pages = readdirSync(join(root, 'docs')).map((name) => ({
  name,
  text: readFileSync(join(root, 'docs', name), 'utf8'),
}));
const types = builtinNodes({ sandbox: createSandbox(), fetch: createGuardedFetch({ allowPrivate: [] }).fetch });

function page(name: string): string {
  return pages.find((each) => each.name === name)?.text ?? '';
}

test('every workflow in the docs is valid', () => {
  const blocks = pages.flatMap(({ text }) => [...text.matchAll(/^```json workflow\n([\s\S]*?)^```$/gm)]);
  expect(blocks.length).toBeGreaterThan(1);
  for (const [, json = ''] of blocks) {
    expect(definitionErrors(definition.parse(JSON.parse(json)), types)).toEqual([]);
  }
});

test('the docs list every node type with each of its params, and no other', () => {
  const rows = [...page('workflows.md').matchAll(/^\| `([a-zA-Z.]+)` +\| (.*?) +\| /gm)];
  expect(rows.map(([, type]) => type).sort()).toEqual([...types.keys()].sort());
  for (const [, name = '', params = ''] of rows) {
    const schema = types.get(name)?.params;
    const fields = schema && 'shape' in schema && schema.shape ? Object.keys(schema.shape) : [];
    for (const field of fields) expect(params, name).toContain(`\`${field}\``);
  }
});

test('the docs list every kind of credential with each of its values, and no other', () => {
  const rows = [...page('credentials.md').matchAll(/^\| `(\w+)` +\| (.*?) +\| /gm)];
  expect(rows.map(([, kind]) => kind)).toEqual(Object.keys(credentialKinds));
  for (const [, name, values = ''] of rows) {
    const schema = Object.entries(credentialKinds).find(([kind]) => kind === name)?.[1].values;
    const fields = [...values.matchAll(/`(\w+)`/g)].map(([, field]) => field);
    expect(fields, name).toEqual(Object.keys(schema?.shape ?? {}));
  }
});

test('the requests in the docs of credentials are valid', () => {
  const bodies = [...page('credentials.md').matchAll(/ -d '([\s\S]*?)'\n/g)];
  expect(bodies).toHaveLength(1);
  for (const [, body = ''] of bodies) credentialCreateInput.parse(JSON.parse(body));
  const rules = [...page('credentials.md').matchAll(/^CREDENTIAL_REFERENCES=(.*)$/gm)].map(([, value]) => value);
  expect(rules).toHaveLength(1);
  for (const rule of rules) settings.parse({ CREDENTIAL_REFERENCES: rule });
});

test('the docs name only files that are there', () => {
  for (const { text } of pages) {
    for (const [, file = ''] of text.matchAll(/`((?:packages|apps|docs)\/[\w./-]+\.\w+)`/g)) {
      expect(existsSync(join(root, file)), file).toBe(true);
    }
  }
});
