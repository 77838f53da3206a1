import { createClient } from '@flowplane/client';
import type { Page } from 'playwright-core';
import { expect, inject, test } from 'vitest';
import { sampleWorkflow } from './sample-workflow.ts';
import { findChromium, launchChromium } from './test-chromium.ts';
import { dataDirectory, freePort, type Instance, owner, startInstance } from './test-process.ts';

const chromium = findChromium();
if (!chromium && !inject('ci')) console.log('docs.browser.test.ts is skipped: this machine has no Chromium');

async function running(use: (instance: Instance, page: Page) => Promise<void>): Promise<void> {
  if (!chromium) throw new Error('CI needs a Chromium on the PATH');
  await using data = dataDirectory();
  const instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path });
  try {
    await instance.ready();
    await using browser = await launchChromium(chromium);
    await use(instance, await browser.newPage({ viewport: { width: 1300, height: 1000 } }));
  } finally {
    instance.child.kill('SIGTERM');
    await instance.ended;
  }
}

/** Everything that a page complains of or asks another host for. */
function watch(page: Page, origin: string): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(data|blob):/.test(url)) complaints.push(`asks for ${url}`);
  });
  return complaints;
}

test.skipIf(!chromium && !inject('ci'))(
  'the docs page runs the sample workflow as the README says, and asks nothing of other hosts',
  async () => {
    await running(async ({ url }, page) => {
      const complaints = watch(page, url);
      const { accessToken } = await createClient({ url }).auth.login(owner);
      const client = createClient({ url, token: accessToken });
      const { id } = await client.workflows.create(sampleWorkflow);
      await client.workflows.publish({ id });

      await page.goto(`${url}/docs`);
      await page.getByRole('button', { name: 'Authorize' }).click();
      await page.locator('#auth-bearer-value, [aria-label="auth-bearer-value"]').first().fill(accessToken);
      await page
        .locator('.auth-container', { hasText: 'bearer' })
        .getByRole('button', { name: 'Apply credentials' })
        .click();
      await page.getByRole('button', { name: 'Close' }).first().click();

      const operation = page.locator('[id^="operations-workflows"][id$=".execute"]');
      await operation.locator('.opblock-summary').click();
      await operation.locator('tr[data-param-name="id"] input').fill(id);
      await operation
        .locator('textarea.body-param__text')
        .fill('{"input":{"name":"ada","qty":7,"price":30},"wait":10}');
      await operation.getByRole('button', { name: 'Execute', exact: true }).click();
      const answer = operation.locator('.live-responses-table .response-col_description pre').first();
      await answer.waitFor();
      expect(await answer.textContent()).toContain('Hello ADA');
      expect(complaints).toEqual([]);
    });
  },
  60_000,
);

test.skipIf(!chromium && !inject('ci'))(
  'the reference shows every operation without asking anything of other hosts',
  async () => {
    await running(async ({ url }, page) => {
      const complaints = watch(page, url);
      await page.goto(`${url}/redoc`);
      for (const heading of ['Register an account', 'Run a workflow', 'Cancel an execution']) {
        await page.getByRole('heading', { name: heading }).first().waitFor();
      }
      expect(complaints.filter((complaint) => !complaint.includes('cdn.redoc.ly'))).toEqual([]);
    });
  },
  60_000,
);
