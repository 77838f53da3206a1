import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, inject, test } from 'vitest';
import { findChromium, launchChromium } from './test-chromium.ts';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, startInstance } from './test-process.ts';

const chromium = findChromium();
if (!chromium && !inject('ci')) console.log('cors.browser.test.ts is skipped: this machine has no Chromium');

/** An empty page on a port of its own, which makes it another origin than the API. */
async function pageServer(port: number): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

type Asked = { url: string; headers: Record<string, string> };

/** What a page's own script learns of an answer. */
async function readInPage({ url, headers }: Asked) {
  try {
    const answer = await fetch(url, { headers });
    const { status } = answer;
    return { status, etag: answer.headers.get('etag'), body: await answer.json() };
  } catch (error) {
    return { error: String(error) };
  }
}

test.skipIf(!chromium && !inject('ci'))(
  'a page of a listed origin reads answers, their ETag and problems with an API key; a page of another cannot',
  async () => {
    if (!chromium) throw new Error('CI needs a Chromium on the PATH');
    await using data = dataDirectory();
    await using listed = await pageServer(await freePort());
    await using other = await pageServer(await freePort());
    const instance = startInstance({
      API_PORT: String(await freePort()),
      DATA_DIR: data.path,
      CORS_ORIGINS: JSON.stringify([listed.url]),
    });
    try {
      await instance.ready();
      const { client, publish } = await ownerOf(instance);
      const id = await publish([{ id: 'a', type: 'transform', params: { value: 1 } }]);
      const { key } = await client.auth.apiKeys.create({ name: 'page' });
      const at = (path: string): Asked => ({ url: `${instance.url}${path}`, headers: { 'x-api-key': key } });

      await using browser = await launchChromium(chromium);
      const page = await browser.newPage();
      await page.goto(listed.url);
      expect(await page.evaluate(readInPage, at(`/api/v1/workflows/${id}`))).toMatchObject({
        status: 200,
        etag: expect.stringMatching(/^"\d+"$/),
        body: { id },
      });
      const wrongKey = { ...at('/api/v1/workflows'), headers: { 'x-api-key': 'wrong' } };
      expect(await page.evaluate(readInPage, wrongKey)).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated' },
      });
      expect(await page.evaluate(readInPage, at('/api/v1/nowhere'))).toMatchObject({ status: 404 });

      await page.goto(other.url);
      const hidden = await page.evaluate(readInPage, at(`/api/v1/workflows/${id}`));
      expect(hidden).toEqual({ error: 'TypeError: Failed to fetch' });
    } finally {
      instance.child.kill('SIGTERM');
      await instance.ended;
    }
  },
  60_000,
);
