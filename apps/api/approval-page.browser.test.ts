import { expect, inject, test, vi } from 'vitest';
import { findChromium, launchChromium } from './test-chromium.ts';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, startInstance } from './test-process.ts';

const chromium = findChromium();
if (!chromium && !inject('ci')) console.log('approval-page.browser.test.ts is skipped: this machine has no Chromium');

test.skipIf(!chromium && !inject('ci'))(
  'an approval is decided in a browser without scripts, under the policy of its page',
  async () => {
    if (!chromium) throw new Error('CI needs a Chromium on the PATH');
    await using data = dataDirectory();
    const instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path });
    try {
      await instance.ready();
      const { client, publish } = await ownerOf(instance);
      const why = { name: 'why', label: 'Why?', required: true };
      const how = { name: 'how', type: 'choice', options: ['cash', 'card'] };
      const id = await publish([{ id: 'ask', type: 'approval', params: { title: 'Refund?', fields: [why, how] } }]);
      const { id: executionId } = await client.workflows.execute({ id });
      const link = await vi.waitFor(async () => {
        const { items } = await client.approvals.list({ executionId });
        return items[0]?.link ?? expect.fail('the execution does not ask yet');
      }, 10_000);

      await using browser = await launchChromium(chromium);
      const page = await browser.newPage({ javaScriptEnabled: false });
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      await page.goto(link);
      expect(await page.title()).toBe('Refund?');
      // The style is applied: its hash is what the policy allows.
      expect((await page.locator('main').boundingBox())?.width).toBe(576);
      await page.getByLabel('Why?').fill('It broke');
      await page.getByLabel('how').selectOption('card');
      await page.getByRole('button', { name: 'Approve' }).click();
      await page.getByRole('status').waitFor();
      expect(await page.getByRole('status').textContent()).toBe('Approved');
      expect(page.url()).toBe(link);
      expect(complaints).toEqual([]);
      await expect
        .poll(async () => (await client.executions.get({ id: executionId })).output, { timeout: 10_000 })
        .toMatchObject({ approved: true, fields: { why: 'It broke', how: 'card' } });
    } finally {
      instance.child.kill('SIGTERM');
      await instance.ended;
    }
  },
  60_000,
);
