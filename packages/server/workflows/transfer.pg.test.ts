import type { Definition } from '@flowplane/contract/definition';
import { definition as definitionSchema } from '@flowplane/contract/definition';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, call, problemOf, testApi } from '../test-api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
let bob: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
  bob = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

const allowedHosts = ['api.example.com'];

async function bearer(whose: typeof ann, name: string): Promise<string> {
  const values = { token: 'a-token-that-nobody-sees' };
  return (await whose.api.credentials.create({ name, kind: 'bearer', values, allowedHosts })).id;
}

async function signing(whose: typeof ann, name: string): Promise<string> {
  const values = { secret: 'a-secret-that-nobody-sees' };
  return (await whose.api.credentials.create({ name, kind: 'webhookSecret', values })).id;
}

/** Names credentials in a node, in a loop within a loop, and in a trigger. */
function requesting(shop: string, mail: string, hook: string): Definition {
  const request = (id: string, credentialId: string) => ({
    id,
    type: 'http.request',
    params: { url: 'https://api.example.com/' },
    credentialId,
  });
  const inner = { id: 'inner', type: 'forEach', params: { items: [1], body: { nodes: [request('deep', mail)] } } };
  return definitionSchema.parse({
    nodes: [
      request('shop', shop),
      request('again', shop),
      { id: 'outer', type: 'forEach', params: { items: [1], body: { nodes: [inner], output: 1 } } },
    ],
    triggers: [
      { id: 'hook', type: 'webhook', path: 'signed', verify: { scheme: 'standard-webhooks', credentialId: hook } },
    ],
  });
}

async function requestingWorkflow() {
  const [shop, mail, hook] = [await bearer(ann, 'Shop'), await bearer(ann, 'Mail'), await signing(ann, 'Hook')];
  const definition = requesting(shop, mail, hook);
  return { ids: [shop, mail, hook], definition, made: await ann.api.workflows.create({ name: 'Shop', definition }) };
}

test('an export names credentials by name and kind, and holds no id and no value of any', async () => {
  const { ids, made } = await requestingWorkflow();
  const document = await ann.api.workflows.export({ id: made.id });
  expect(document).toMatchObject({
    format: 'flowplane/workflow@1',
    name: 'Shop',
    credentials: [
      { name: 'Shop', kind: 'bearer' },
      { name: 'Mail', kind: 'bearer' },
      { name: 'Hook', kind: 'webhookSecret' },
    ],
  });
  const text = JSON.stringify(document);
  for (const id of [...ids, made.id, ann.principal.teamId]) expect(text).not.toContain(id);
  expect(text).not.toContain('nobody-sees');
});

test('an import maps credentials as it is told, or to the only one of the same name and kind', async () => {
  const { made } = await requestingWorkflow();
  const document = await ann.api.workflows.export({ id: made.id });
  const [shopRef = ''] = document.credentials.map(({ ref }) => ref);
  const mail = await bearer(bob, 'Mail');
  const hook = await signing(bob, 'Hook');
  const problem = await problemOf(bob.api.workflows.import(document));
  expect(problem).toMatchObject({
    status: 400,
    code: 'unmapped_credentials',
    errors: [{ path: `mapping.${shopRef}` }],
  });
  expect(problem.errors?.[0]?.message).toContain('Shop (bearer)');
  const store = await bearer(bob, 'Store');
  const imported = await bob.api.workflows.import({ ...document, name: 'Store', mapping: { [shopRef]: store } });
  expect(imported).toMatchObject({ name: 'Store', revision: 1, publishedVersion: null });
  expect(imported.definition).toEqual(requesting(store, mail, hook));
  await bearer(bob, 'Mail');
  const twice = await problemOf(bob.api.workflows.import({ ...document, mapping: { [shopRef]: store } }));
  expect(twice.errors?.[0]?.message).toContain('there are 2');
});

test('ids of another team, of another kind, or that the document does not list are refused', async () => {
  const { ids, definition, made } = await requestingWorkflow();
  const document = await ann.api.workflows.export({ id: made.id });
  const [shopRef = ''] = document.credentials.map(({ ref }) => ref);
  const foreign = ids[0] ?? '';
  const nowhere = 'aaaaaaaa-0000-4000-8000-000000000000';
  const answers = [];
  for (const id of [foreign, nowhere]) {
    const problem = await problemOf(bob.api.workflows.import({ ...document, mapping: { [shopRef]: id } }));
    expect(problem).toMatchObject({ status: 400, code: 'unmapped_credentials' });
    answers.push(JSON.stringify(problem).replaceAll(id, 'ID'));
  }
  expect(answers[0]).toBe(answers[1]);
  const basic = await signing(bob, 'Another');
  const kinds = await problemOf(bob.api.workflows.import({ ...document, mapping: { [shopRef]: basic } }));
  expect(kinds.errors?.[0]?.message).toContain('of the kind bearer');
  const smuggled = await problemOf(ann.api.workflows.import({ ...document, definition }));
  expect(smuggled).toMatchObject({
    code: 'invalid_input',
    errors: [{ path: 'definition.nodes[0].credentialId' }, {}, {}, {}],
  });
  const useless = await problemOf(ann.api.workflows.import({ ...document, mapping: { [nowhere]: foreign } }));
  expect(useless.errors).toMatchObject([{ path: `mapping.${nowhere}` }]);
});

test('a format that is not known is refused by name', async () => {
  const { id } = await ann.api.workflows.create({ name: 'x', definition: answering(1) });
  const document = await ann.api.workflows.export({ id });
  const newer = { ...document, format: 'flowplane/workflow@2' };
  const problem = await problemOf(call(ann.as(ann.principal), 'workflows.import', newer));
  expect(problem).toMatchObject({ status: 400, code: 'invalid_input', errors: [{ path: 'format' }] });
  expect(problem.detail).toContain('flowplane/workflow@1');
});

test('what is exported and imported is what the author made', async () => {
  const text = fc
    .string({ maxLength: 20, unit: 'grapheme' })
    .filter((drawn) => drawn.isWellFormed() && !drawn.includes('\0') && !drawn.includes('{{'));
  const drawn = fc.record({
    name: text.map((name) => `w${name}`.trim()),
    description: text,
    params: fc.dictionary(text, fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme-ascii' }), { maxKeys: 3 }),
    pin: fc.option(fc.record({ output: fc.integer() }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ name, description, params, pin }) => {
      const value = JSON.parse(JSON.stringify(params).replaceAll('{{', '{ {'));
      const definition = definitionSchema.parse({
        nodes: [
          { id: 'a', type: 'transform', params: { value }, ...(pin && { pin }) },
          {
            id: 'b',
            type: 'forEach',
            params: { items: [1], body: { nodes: [{ id: 'c', type: 'transform', params: { value } }] } },
          },
        ],
        edges: [{ from: 'a', to: 'b' }],
        output: value,
      });
      const made = await ann.api.workflows.create({ name, description, definition });
      const imported = await ann.api.workflows.import(await ann.api.workflows.export({ id: made.id }));
      expect({ ...imported, id: '', createdAt: 0, updatedAt: 0 }).toEqual({
        ...made,
        id: '',
        createdAt: 0,
        updatedAt: 0,
      });
    }),
    { numRuns: 30 },
  );
});

test('a definition is checked without being saved, whatever is wrong with it', async () => {
  const check = (definition: unknown) => call(ann.as(ann.principal), 'workflows.validate', { definition });
  expect(await check(answering(1))).toEqual({ valid: true, errors: [] });
  expect(await check({ nodes: [] })).toMatchObject({ valid: false, errors: [{ path: 'nodes' }] });
  expect(await check(5)).toMatchObject({ valid: false, errors: [{ path: '' }] });
  expect(await check(answering('{{ input. }}'))).toMatchObject({
    valid: false,
    errors: [{ path: 'nodes[0].params.value' }],
  });
  const theirs = await bearer(bob, 'Theirs');
  const params = { url: 'https://api.example.com/' };
  expect(await check({ nodes: [{ id: 'a', type: 'http.request', params, credentialId: theirs }] })).toMatchObject({
    valid: false,
    errors: [{ path: 'nodes[0].credentialId' }],
  });
});
