import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@flowplane/client';
import { expect, inject, test } from 'vitest';
import { root } from './config.ts';
import { findChromium, launchChromium } from './test-chromium.ts';
import { dataDirectory, freePort, owner, startInstance } from './test-process.ts';

const chromium = findChromium();
if (!chromium && !inject('ci')) console.log('api-page.browser.test.ts is skipped: this machine has no Chromium');

const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
const [eventSource = '', webSocket = ''] = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, text]) => text);

test.skipIf(!chromium && !inject('ci'))(
  'the page’s scripts follow an execution in a browser, by cookie and by token, and stop after its end',
  async () => {
    if (!chromium) throw new Error('CI needs a Chromium on the PATH');
    await using data = dataDirectory();
    const instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path });
    try {
      await instance.ready();
      const { accessToken } = await createClient({ url: instance.url }).auth.login(owner);
      const client = createClient({ url: instance.url, token: accessToken });
      const { id } = await client.workflows.create({
        name: 'Greeting',
        definition: { nodes: [{ id: 'hello', type: 'log', params: { message: 'Here I am' } }], edges: [] },
      });
      await client.workflows.publish({ id });
      const execution = await client.workflows.execute({ id, wait: 10 });

      await using browser = await launchChromium(chromium);
      const tab = await browser.newPage();
      const said: string[] = [];
      tab.on('console', (message) => said.push(message.text()));
      await tab.goto(`${instance.url}/docs`);
      await tab.evaluate(
        (login) =>
          fetch('/api/v1/auth/login', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(login),
          }),
        owner,
      );
      const names = `const execution = ${JSON.stringify(execution.id)}, token = ${JSON.stringify(accessToken)};`;
      const closed =
        "await new Promise((resolve) => stream.addEventListener('done', resolve)); return stream.readyState;";
      expect(await tab.evaluate(`(async () => {${names}\n${eventSource}\n${closed}})()`)).toBe(2);
      expect(said).toContain('Here I am');
      const code = "return new Promise((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));";
      expect(await tab.evaluate(`(async () => {${names}\n${webSocket}\n${code}})()`)).toBe(1000);
      expect(said.at(-1)).toBe('done');
    } finally {
      instance.child.kill('SIGTERM');
      await instance.ended;
    }
  },
  60_000,
);
