import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerDocs } from './docs.ts';

let app: FastifyInstance;
const document = { openapi: '3.1.1', info: { title: 'T', version: '1' }, paths: {} };

beforeAll(async () => {
  app = Fastify();
  registerDocs(app, { document, title: 'Notes & <Things>' });
  await app.ready();
});
afterAll(() => app.close());

test.each(['/docs', '/redoc'])('%s is a page whose every script and style is served from here', async (url) => {
  const answer = await app.inject(url);
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(answer.body).toContain('Notes &amp; &lt;Things&gt;');
  expect(answer.body).not.toMatch(/https?:|\/\/[a-z]/);
  expect(answer.body).not.toMatch(/<script>|javascript:|\son\w+=/);
  expect(answer.headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/);
  const own = [...answer.body.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1] ?? '');
  expect(own.length).toBeGreaterThanOrEqual(2);
  for (const asset of own) {
    const file = await app.inject(asset);
    expect([asset, file.statusCode]).toEqual([asset, 200]);
    expect(file.headers['content-type']).toMatch(
      asset.endsWith('.css') ? /^text\/css/ : /^(text|application)\/javascript/,
    );
    expect(file.headers['cache-control']).toBeTruthy();
  }
});

test('the document is served and revalidated by its tag', async () => {
  const first = await app.inject('/openapi.json');
  expect(first.json()).toEqual(document);
  const again = await app.inject({ url: '/openapi.json', headers: { 'if-none-match': String(first.headers.etag) } });
  expect([again.statusCode, again.body]).toEqual([304, '']);
});

test.each([
  '/docs/assets/package.json',
  '/docs/assets/index.html',
  '/docs/assets/../package.json',
  '/redoc/assets/%2e%2e%2fpackage.json',
  '/docs/assets/',
])('%s is not served', async (url) => {
  expect((await app.inject(url)).statusCode).toBeGreaterThanOrEqual(400);
});

test('an operator’s logo and colour are on both pages, and only the logo’s origin is let in', async () => {
  await using branded = Fastify();
  const logoUrl = 'https://cdn.example.com/a"b.svg';
  registerDocs(branded, { document, title: 'Acme', logoUrl, color: '#ffee00' });
  const docs = await branded.inject('/docs');
  expect(docs.body).toContain('<img src="https://cdn.example.com/a&quot;b.svg"');
  expect(docs.body).toContain('background: #ffee00; color: #000000');
  expect(docs.headers['content-security-policy']).toContain("img-src 'self' data: https://cdn.example.com;");
  expect((await branded.inject('/redoc/start.js')).body).toContain('"main":"#ffee00"');
  expect(() => registerDocs(Fastify(), { document, title: 'x', color: 'red;}' })).toThrow('#rrggbb');
});
