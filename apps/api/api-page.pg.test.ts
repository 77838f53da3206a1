import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPage, type Page } from './test-page.ts';

let page: Page;

beforeAll(async () => {
  page = await openPage('api');
});
afterAll(() => page[Symbol.asyncDispose]());

test('every command of the page on the API answers what the page says', async () => {
  const [, refused = '', list = '', change = '', stream = ''] = await page.run(...page.commands);
  expect(JSON.parse(refused)).toMatchObject({ status: 400, errors: [{ path: 'limit' }] });
  expect(JSON.parse(list)).toMatchObject({ items: [{ status: 'completed' }] });
  expect(change).toBe('200');
  expect(stream).toMatch(/^retry: 1000\n/);
  expect(stream).toMatch(/^id: \d+\nevent: log\ndata: \{.*"message":"Here I am"/m);
  expect(stream).toMatch(/event: done\ndata: .*"status":"completed".*$/);
});
