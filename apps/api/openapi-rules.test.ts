import { createConfig, lintFromString } from '@redocly/openapi-core';
import spectralCore from '@stoplight/spectral-core';
import { oas } from '@stoplight/spectral-rulesets';
import { expect, test } from 'vitest';
import { documentOf } from './openapi-document.ts';

const document = documentOf({ version: '1.2.3', publicUrl: 'https://flowplane.test' });
const source = JSON.stringify(document);

test('Redocly’s recommended rules find nothing', async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source, config, absoluteRef: 'openapi.json' });
  expect(
    problems.map(
      ({ severity, ruleId, message, location }) =>
        `${severity} ${ruleId} ${message} ${location.map(({ pointer }) => pointer).join()}`,
    ),
  ).toEqual([]);
});

test('Spectral’s rules for OpenAPI find nothing', async () => {
  const spectral = new spectralCore.Spectral();
  spectral.setRuleset({ extends: [[oas, 'recommended']] });
  const findings = await spectral.run(source);
  expect(
    findings.map(({ severity, code, message, path }) => `${severity} ${code} ${message} ${path.join('/')}`),
  ).toEqual([]);
});
