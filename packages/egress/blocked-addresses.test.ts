import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test, vi } from 'vitest';
import { failure, openEgress, resolveFrom } from './test-egress.ts';
import { startServer } from './test-server.ts';

const LOOPBACK_NOTATIONS = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.255.255.254',
  '0x7f.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0177.0.0.01',
  '127%2e0%2e0%2e1',
  '\uff11\uff12\uff17.\uff10.\uff10.\uff11',
  '\u2460\u2461\u2466.0.0.1',
  '127\u30020\u30020\u30021',
  '0.0.0.0',
  '0',
  'localhost',
  'LocalHost',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:0:0:0:0:80ff:fffe]',
];

test.each(LOOPBACK_NOTATIONS)(
  'threat 16: loopback written as %s is blocked and its listener never sees a connection',
  async (host) => {
    await using server = await startServer((_, response) => response.end('secret'));
    await using egress = openEgress({ allowPrivate: [] });
    const error = await failure(egress.fetch(`http://${host}:${server.port}/`));
    expect(error.code).toBe('egress_blocked');
    expect(error.message).toContain('egress allow-list');
    expect(server.connections()).toBe(0);
  },
);

test.each([
  '169.254.169.254',
  '100.64.0.1',
  '100.127.255.255',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '[fec0::1]',
  '[ff02::1]',
  '[2001:db8::1]',
  '[::ffff:10.0.0.1]',
  '[4000::1]',
  '168.63.129.16',
  'metadata.google.internal',
  'METADATA.google.internal.',
])('threat 17: %s is blocked without opening a socket', async (host) => {
  let sockets = 0;
  const count = () => {
    sockets += 1;
  };
  subscribe('net.client.socket', count);
  await using egress = openEgress({ allowPrivate: [] });
  const error = await failure(egress.fetch(`http://${host}/latest/meta-data/`));
  unsubscribe('net.client.socket', count);
  expect(error.code).toBe('egress_blocked');
  expect(sockets).toBe(0);
});

test('threat 17: a name is blocked when any one of its addresses is private, whatever their order', async () => {
  await using server = await startServer((_, response) => response.end());
  const lookup = resolveFrom({
    'a.test': ['8.8.8.8', '127.0.0.1'],
    'b.test': ['127.0.0.1', '8.8.8.8'],
    'c.test': ['::1'],
  });
  await using egress = openEgress({ allowPrivate: [], lookup });
  for (const host of ['a.test', 'b.test', 'c.test']) {
    const error = await failure(egress.fetch(`http://${host}:${server.port}/`));
    expect(error.code).toBe('egress_blocked');
    expect(error.message).toContain(host);
    expect(error.message).not.toContain('127.0.0.1');
  }
  expect(server.connections()).toBe(0);
});

test('threat 16: https is judged like http', async () => {
  await using server = await startServer((_, response) => response.end());
  await using egress = openEgress({ allowPrivate: [], lookup: resolveFrom({ 'a.test': ['127.0.0.1'] }) });
  expect((await failure(egress.fetch(`https://127.0.0.1:${server.port}/`))).code).toBe('egress_blocked');
  expect((await failure(egress.fetch(`https://a.test:${server.port}/`))).code).toBe('egress_blocked');
  expect(server.connections()).toBe(0);
});

test('threat 16: an answer that is not an IP address, or none at all, is no way in', async () => {
  await using server = await startServer((_, response) => response.end());
  const lookup = resolveFrom({ 'odd.test': ['127.1'], 'none.test': [] });
  await using egress = openEgress({ allowPrivate: [], lookup });
  expect((await failure(egress.fetch(`http://odd.test:${server.port}/`))).code).toBe('egress_blocked');
  expect((await failure(egress.fetch(`http://none.test:${server.port}/`))).code).toBe('egress_failed');
  expect(server.connections()).toBe(0);
});

test('the environment naming a proxy changes nothing', async () => {
  await using proxy = await startServer((_, response) => response.end('proxied'));
  await using server = await startServer((_, response) => response.end('direct'));
  for (const name of ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY']) vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`);
  await using egress = openEgress({ allowPrivate: ['127.0.0.1'] });
  const { body } = await egress.fetch(`http://127.0.0.1:${server.port}/`);
  vi.unstubAllEnvs();
  expect(new TextDecoder().decode(body)).toBe('direct');
  expect(proxy.connections()).toBe(0);
});
