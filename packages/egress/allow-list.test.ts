import { expect, test } from 'vitest';
import { parseAllowList } from './allow-list.ts';
import { createGuardedFetch } from './guarded-fetch.ts';
import { judgeHost } from './judge.ts';
import { failure, openEgress, resolveFrom } from './test-egress.ts';
import { startServer } from './test-server.ts';

test.each([
  [['127.0.0.1'], '127.0.0.1'],
  [['127.0.0.1'], '2130706433'],
  [['127.0.0.1'], 'inside.test'],
  [['::ffff:127.0.0.1'], '127.0.0.1'],
  [['127.0.0.0/8'], 'inside.test'],
  [['Inside.Test.'], 'inside.test'],
  [['inside.test'], 'INSIDE.test.'],
])('with %j allowed, %s can be reached', async (allowPrivate, host) => {
  await using server = await startServer((_, response) => response.end('hello'));
  const lookup = resolveFrom({ 'inside.test': ['127.0.0.1'], 'inside.test.': ['127.0.0.1'] });
  await using egress = openEgress({ allowPrivate, lookup });
  const response = await egress.fetch(`http://${host}:${server.port}/`);
  expect(response.status).toBe(200);
  expect(server.requests).toEqual(['GET /']);
});

test.each([
  [['127.0.0.2'], '127.0.0.1'],
  [['10.0.0.0/8'], '127.0.0.1'],
  [['127.0.0.1'], '[::1]'],
  [['::/0'], '127.0.0.1'],
  [['inside.test'], 'other.test'],
  [['inside.test'], 'sub.inside.test'],
  [['inside.test'], '127.0.0.1'],
])('with only %j allowed, %s stays blocked', async (allowPrivate, host) => {
  await using server = await startServer((_, response) => response.end());
  const lookup = resolveFrom({ 'other.test': ['127.0.0.1'], 'sub.inside.test': ['127.0.0.1'] });
  await using egress = openEgress({ allowPrivate, lookup });
  expect((await failure(egress.fetch(`http://${host}:${server.port}/`))).code).toBe('egress_blocked');
  expect(server.connections()).toBe(0);
});

test('a range or a host name does not open the metadata service inside it', async () => {
  const lookup = resolveFrom({ 'inside.test': ['169.254.169.254'] });
  await using egress = openEgress({ allowPrivate: ['169.254.0.0/16', 'fd00::/8', 'inside.test'], lookup });
  for (const host of ['169.254.169.254', '[fd00:ec2::254]', 'inside.test']) {
    expect((await failure(egress.fetch(`http://${host}/`, { timeoutMs: 2_000 }))).code).toBe('egress_blocked');
  }
});

test('opening the NAT64 or 6to4 range does not open the private addresses written in it', async () => {
  await using egress = openEgress({ allowPrivate: ['64:ff9b::/96', '2002::/16'] });
  for (const host of ['[64:ff9b::7f00:1]', '[64:ff9b::a9fe:a9fe]', '[2002:a00:1::1]']) {
    const error = await failure(egress.fetch(`http://${host}/`, { timeoutMs: 2_000 }));
    expect(error.code).toBe('egress_blocked');
  }
  const reachable = parseAllowList(['64:ff9b::/96']);
  expect(() => judgeHost(reachable, '[64:ff9b::808:808]')).not.toThrow();
});

test('a metadata name opens when it and its address are listed themselves', async () => {
  await using server = await startServer((_, response) => response.end());
  const lookup = resolveFrom({ 'metadata.google.internal': ['127.0.0.1'] });
  await using egress = openEgress({ allowPrivate: ['metadata.google.internal'], lookup });
  expect((await egress.fetch(`http://metadata.google.internal:${server.port}/`)).status).toBe(200);
});

test.each([
  '10/8',
  '0x7f000001/32',
  '012.0.0.0/8',
  '10.0.0.0/33',
  '127.1',
  '2130706433',
  '*.example',
  'http://a.test',
  'a.test:80',
  'a b',
  '',
  '::ffff:0:0/96',
])('the entry %j is refused at the start instead of matching nothing or too much', (entry) => {
  expect(() => createGuardedFetch({ allowPrivate: [entry] })).toThrow(TypeError);
});
