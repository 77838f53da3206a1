import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPage, type Page } from './test-page.ts';

let page: Page;

beforeAll(async () => {
  page = await openPage('versions');
});
afterAll(() => page[Symbol.asyncDispose]());

test('every command of the page on versions answers what the page says', async () => {
  const [published, versions, diff, back, tested, alone, validated, imported] = (await page.run(...page.commands)).map(
    (output): unknown => JSON.parse(output),
  );
  expect(published).toMatchObject({ publishedVersion: 1 });
  expect(versions).toMatchObject({ items: [{ version: 1, note: 'Gold from 100 on' }] });
  expect(diff).toMatchObject({ nodes: { changed: [{ id: 'tier', changes: [{ path: '/params/value' }] }] } });
  expect(back).toMatchObject({ publishedVersion: 3 });
  expect(tested).toMatchObject({ trigger: 'test', output: 'gold', steps: [{ output: { total: 210 } }, {}] });
  expect(alone).toMatchObject({ output: 'basic' });
  expect(validated).toMatchObject({ valid: false, errors: [{ path: 'nodes[0].type' }] });
  expect(imported).toMatchObject({ name: 'Tiers', publishedVersion: null });
});
