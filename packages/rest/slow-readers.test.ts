import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { serveStreams } from './testing-streams.ts';

async function neverReads(port: number, path: string) {
  const socket = connect(port);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

function residentMb(): number {
  return process.memoryUsage.rss() / 1_048_576;
}

test('200 readers that never read a stream of 10 MB cost little memory and delay nobody', {
  timeout: 60_000,
}, async () => {
  await using server = await serveStreams();
  await fetch(`${server.api}/fast`);
  const before = residentMb();
  const path = '/api/v1/flood?events=1000&bytes=10000';
  const readers = await Promise.all(Array.from({ length: 200 }, () => neverReads(server.port, path)));
  let pulled = -1;
  let slowest = 0;
  await vi.waitFor(
    async () => {
      const begun = performance.now();
      await fetch(`${server.api}/fast`);
      slowest = Math.max(slowest, performance.now() - begun);
      const stands = server.seen.pulled > 0 && server.seen.pulled === pulled;
      pulled = server.seen.pulled;
      expect(stands).toBe(true);
    },
    { timeout: 50_000, interval: 300 },
  );
  expect(pulled).toBeLessThan(200 * 1_000);
  // All of it would be 2,000 MB; most of what the readers were sent is in the kernel, and the readers are in this process too.
  expect(residentMb() - before).toBeLessThan(400);
  expect(slowest).toBeLessThan(2_000);
  for (const reader of readers) reader.destroy();
  await vi.waitFor(() => expect(server.seen.returned).toBe(200), { timeout: 10_000 });
});

test('a reader that takes nothing for too long is disconnected, and its procedure ends', async () => {
  await using server = await serveStreams({ stallMs: 200 });
  const reader = await neverReads(server.port, '/api/v1/flood?events=100000&bytes=100000');
  await vi.waitFor(() => expect(server.seen.returned).toBe(1), { timeout: 5_000 });
  expect(server.seen.pulled).toBeLessThan(500);
  reader.destroy();
});

test('a slow reader that does read gets everything, however long it takes', { timeout: 20_000 }, async () => {
  await using server = await serveStreams({ stallMs: 400 });
  const reader = await neverReads(server.port, '/api/v1/flood?events=30&bytes=1000000');
  let bytes = 0;
  let turns = 0;
  reader.on('data', (chunk) => {
    bytes += chunk.length;
    if (++turns % 20 === 0) reader.pause();
  });
  const turn = setInterval(() => reader.resume(), 30);
  await once(reader, 'end');
  clearInterval(turn);
  expect(bytes).toBeGreaterThan(30_000_000);
});
