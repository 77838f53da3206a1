import { createConfig, lintFromString } from '@redocly/openapi-core';
import spectralCore from '@stoplight/spectral-core';
import { oas } from '@stoplight/spectral-rulesets';
import { expect, test } from 'vitest';
import { brandingOf, documentOf } from './openapi-document.ts';
import { settings } from './settings.ts';

const plain = documentOf('1.2.3', brandingOf(settings.parse({})), 'session');
const branded = documentOf(
  '1.2.3',
  brandingOf(
    settings.parse({
      DOCS_TITLE: 'Acme Flows',
      DOCS_DESCRIPTION: 'Flows of **Acme**.',
      DOCS_LOGO_URL: 'https://acme.test/logo.svg',
      DOCS_CONTACT: 'api@acme.test',
      PUBLIC_URL: 'https://flows.acme.test/',
    }),
  ),
  '__Host-session',
);

/** Spectral takes its time with a document of this size. */
const timeout = 60_000;

test.each([
  ['as it is', plain],
  ['with an operator’s branding', branded],
])(
  'the rules of Redocly (recommended) and Spectral (spectral:oas) find nothing in the document %s',
  async (_, document) => {
    const source = JSON.stringify(document);
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source, config, absoluteRef: 'openapi.json' });
    const where = problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer]);
    expect(where).toEqual([]);

    const spectral = new spectralCore.Spectral();
    spectral.setRuleset(new spectralCore.Ruleset({ extends: [[oas, 'recommended']] }));
    const findings = await spectral.run(source);
    expect(findings.map(({ code, message, path }) => [code, message, path.join('/')])).toEqual([]);
  },
  timeout,
);

test('a mistake in the document would be found by both', { timeout }, async () => {
  const source = JSON.stringify(plain).replaceAll('"workflows.create"', '"workflows.list"');
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source, config, absoluteRef: 'openapi.json' });
  expect(problems.map(({ ruleId }) => ruleId)).toContain('operation-operationId-unique');
  const spectral = new spectralCore.Spectral();
  spectral.setRuleset(new spectralCore.Ruleset({ extends: [[oas, 'recommended']] }));
  expect((await spectral.run(source)).map(({ code }) => code)).toContain('operation-operationId-unique');
});

test('every operation shows what is sent and what comes back, a description, and a problem of each kind', () => {
  const operations = Object.entries(plain.paths ?? {}).flatMap(([path, item]) =>
    [item.get, item.post, item.put, item.patch, item.delete].flatMap((operation) =>
      operation ? { path, operation } : [],
    ),
  );
  expect(operations.length).toBeGreaterThan(20);
  for (const { path, operation } of operations) {
    const what = `${path} ${operation.operationId}`;
    const { responses = {}, requestBody, description, tags } = operation;
    const sent = path.endsWith('/auth/token') ? 'application/x-www-form-urlencoded' : 'application/json';
    if (requestBody) expect(requestBody, what).toHaveProperty(`content.${sent}.example`);
    expect(description, what).toBeTruthy();
    expect(
      plain.tags?.map(({ name }) => name),
      what,
    ).toEqual(expect.arrayContaining(tags ?? []));
    for (const [status, response] of Object.entries(responses)) {
      if (!/^20[012]$/.test(status)) continue;
      const media =
        path.endsWith('/events') || path.endsWith('/logs') ? /^(application\/json|text\/event-stream)$/ : /json$/;
      const [[type, content] = []] = Object.entries(Object(response).content ?? {});
      expect(type, what).toMatch(media);
      expect(content, what).toHaveProperty('example');
    }
  }
  for (const [name, response] of Object.entries(plain.components?.responses ?? {})) {
    expect(response, name).toHaveProperty('content.application/problem+json.examples');
  }
});

test('what an operator may change is in the document', () => {
  expect(branded.info).toMatchObject({
    title: 'Acme Flows',
    description: 'Flows of **Acme**.',
    contact: { name: 'Acme Flows', email: 'api@acme.test' },
    'x-logo': { url: 'https://acme.test/logo.svg', altText: 'Acme Flows' },
  });
  expect(branded.servers).toEqual([{ url: 'https://flows.acme.test' }]);
  expect(branded.components?.securitySchemes?.session).toMatchObject({ name: '__Host-session' });
  expect(JSON.stringify(branded)).not.toContain('Flowplane');
});
