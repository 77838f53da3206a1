import { expect, test } from 'vitest';
import { parametersOf, webhookPath, webhookVerification } from './webhook.ts';

const credentialId = '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f';

test('a path is segments as they are and parameters, each of its own name', () => {
  for (const path of ['orders', 'shop/orders.v2', ':id', 'orders/:id', 'a/:b/c/:d_1']) {
    expect(webhookPath.safeParse(path).success, path).toBe(true);
  }
  for (const path of ['', '/orders', 'orders/', 'a//b', 'orders/:', 'a:b', ':1', ':a/:a', '%', '../x', ':id?', '*']) {
    expect(webhookPath.safeParse(path).success, path).toBe(false);
  }
  expect(parametersOf('a/:b/c/:d')).toEqual(['b', 'd']);
});

test('a verification has its scheme’s defaults', () => {
  expect(webhookVerification.parse({ scheme: 'standard-webhooks', credentialId })).toEqual({
    scheme: 'standard-webhooks',
    credentialId,
    toleranceSeconds: 300,
  });
  expect(webhookVerification.parse({ scheme: 'hmac', credentialId, signatureHeader: 'X-Signature' })).toEqual({
    scheme: 'hmac',
    credentialId,
    toleranceSeconds: 300,
    signatureHeader: 'X-Signature',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: '',
    payload: '{body}',
  });
});

test('what is signed has the body once, and each other part a header', () => {
  const wrong: [string, object][] = [
    ['payload', { payload: '{timestamp}' }],
    ['payload', { payload: '{body}{body}' }],
    ['payload', { payload: '{timestamp}.{body}' }],
    ['payload', { payload: '{id}.{body}' }],
    // Whoever has an old message could give it a new time.
    ['timestampHeader', { timestampHeader: 'X-Timestamp' }],
    ['signatureHeader', { signatureHeader: 'X Signature' }],
    ['toleranceSeconds', { toleranceSeconds: 3_601 }],
    ['previousCredentialIds', { previousCredentialIds: Array.from({ length: 5 }, () => credentialId) }],
  ];
  for (const [field, more] of wrong) {
    const given = { scheme: 'hmac', credentialId, signatureHeader: 'X-Signature', ...more };
    const issues = webhookVerification.safeParse(given).error?.issues.map(({ path }) => path[0]);
    expect(issues, JSON.stringify(more)).toContain(field);
  }
});
