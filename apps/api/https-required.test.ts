import fastify from 'fastify';
import { expect, test } from 'vitest';
import { requireHttps } from './https-required.ts';
import { secureAnswers, securityHeaders } from './security-headers.ts';

const proxy = '10.0.0.9';

async function statusOf(path: string, remoteAddress: string, headers: Record<string, string> = {}): Promise<number> {
  const app = fastify({ trustProxy: [proxy] });
  requireHttps(app);
  app.get('/*', async () => 'here');
  const { statusCode } = await app.inject({ url: path, remoteAddress, headers });
  await app.close();
  return statusCode;
}

test('plain HTTP is refused from other machines, and what only they say of themselves changes nothing', async () => {
  expect(await statusOf('/api/v1/workflows', '203.0.113.7')).toBe(403);
  expect(await statusOf('/api/v1/workflows', '203.0.113.7', { 'x-forwarded-proto': 'https' })).toBe(403);
  expect(await statusOf('/api/v1/workflows', '203.0.113.7', { 'x-forwarded-for': '127.0.0.1' })).toBe(403);
  expect(await statusOf('/api/v1/workflows', '127.0.0.1')).toBe(200);
  expect(await statusOf('/api/v1/workflows', '::1')).toBe(200);
  expect(await statusOf('/api/v1/workflows', '::ffff:127.0.0.1')).toBe(200);
});

test('a trusted proxy says how it was called', async () => {
  const from = { 'x-forwarded-for': '203.0.113.7' };
  expect(await statusOf('/docs', proxy, { ...from, 'x-forwarded-proto': 'https' })).toBe(200);
  expect(await statusOf('/docs', proxy, { ...from, 'x-forwarded-proto': 'http' })).toBe(403);
  expect(await statusOf('/docs', proxy, from)).toBe(403);
});

test('probes may come over plain HTTP', async () => {
  expect(await statusOf('/ready?verbose', '203.0.113.7')).toBe(200);
  expect(await statusOf('/health', '203.0.113.7')).toBe(200);
});

test('the refusal says what to do', async () => {
  const app = fastify();
  requireHttps(app);
  app.get('/', async () => 'here');
  const answer = await app.inject({ url: '/', remoteAddress: '203.0.113.7' });
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.json()).toMatchObject({ status: 403, code: 'forbidden', detail: expect.stringContaining('https://') });
  await app.close();
});

test('every answer tells browsers to be careful, and to stay with HTTPS where people reach us so', async () => {
  const app = fastify();
  secureAnswers(app, securityHeaders(true));
  app.get('/own', (_, reply) => reply.header('content-security-policy', 'sandbox').send('own'));
  const missing = await app.inject('/missing');
  expect(missing.statusCode).toBe(404);
  expect(missing.headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'permissions-policy': expect.stringContaining('camera=()'),
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'strict-transport-security': 'max-age=31536000',
  });
  expect((await app.inject('/own')).headers['content-security-policy']).toBe('sandbox');
  expect(securityHeaders(false)).not.toHaveProperty('strict-transport-security');
  await app.close();
});
