import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { failure, openEgress } from './test-egress.ts';
import { startServer } from './test-server.ts';

const MEBIBYTE = 1_048_576;
// Held throughout, so that freeing it cannot hide what decoding takes.
const ZEROS = Buffer.alloc(50 * MEBIBYTE);
const LOOPBACK = { allowPrivate: ['127.0.0.1'] };

/** Writes until the client is gone. */
function pour(response: ServerResponse, chunk: Uint8Array) {
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

const encoders: [string, (data: Buffer) => Buffer][] = [
  ['gzip', gzipSync],
  ['X-GZIP', gzipSync],
  ['br', brotliCompressSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
];

test.each(encoders)(
  'a %s response is decoded, and the headers that described the encoding are gone',
  async (encoding, encode) => {
    const plain = Buffer.from('Flowplane '.repeat(5_000));
    const encoded = encode(plain);
    await using server = await startServer((_, response) => {
      response.writeHead(200, { 'content-encoding': encoding, 'content-length': encoded.length }).end(encoded);
    });
    await using egress = openEgress(LOOPBACK);
    const { body, headers } = await egress.fetch(`http://127.0.0.1:${server.port}/`, { maxBytes: plain.length });
    expect(Buffer.from(body).equals(plain)).toBe(true);
    expect(headers).not.toHaveProperty('content-encoding');
    expect(headers).not.toHaveProperty('content-length');
    const error = await failure(egress.fetch(`http://127.0.0.1:${server.port}/`, { maxBytes: plain.length - 1 }));
    expect(error.code).toBe('egress_too_large');
  },
);

test.each(encoders)(
  'threat 21: a %s bomb stops at the cap, does not fill the memory and loses its connection',
  async (encoding, encode) => {
    const bomb = encode(ZEROS);
    await using server = await startServer((_, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).write(bomb);
    });
    await using egress = openEgress(LOOPBACK);
    const before = process.memoryUsage().external;
    let peak = 0;
    const sampler = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().external - before);
    }, 1);
    const error = await failure(egress.fetch(`http://127.0.0.1:${server.port}/`, { maxBytes: MEBIBYTE }));
    peak = Math.max(peak, process.memoryUsage().external - before);
    clearInterval(sampler);
    expect(error.code).toBe('egress_too_large');
    expect(peak).toBeLessThan(12 * MEBIBYTE);
    await expect.poll(server.open).toBe(0);
  },
);

test('threat 21: compressed data that decodes to nothing for ever is stopped as well', async () => {
  const emptyMembers = Buffer.concat(Array.from({ length: 500 }, () => gzipSync('')));
  await using server = await startServer((_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    pour(response, emptyMembers);
  });
  await using egress = openEgress(LOOPBACK);
  const error = await failure(egress.fetch(`http://127.0.0.1:${server.port}/`, { maxBytes: 20_000 }));
  expect(error.code).toBe('egress_too_large');
  await expect.poll(server.open).toBe(0);
});

test('compressed data that is cut off or is none at all fails', async () => {
  const encoded = gzipSync('hello '.repeat(1_000));
  await using server = await startServer((request, response) => {
    const data = request.url === '/cut' ? encoded.subarray(0, -10) : Buffer.from('plain text');
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(data);
  });
  await using egress = openEgress(LOOPBACK);
  for (const path of ['/cut', '/plain']) {
    expect((await failure(egress.fetch(`http://127.0.0.1:${server.port}${path}`))).code).toBe('egress_failed');
  }
});

test('what follows the end of a gzip stream is ignored, also when it comes later', async () => {
  await using server = await startServer((_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync('hello'));
    setTimeout(() => response.end('\0\0garbage'), 50);
  });
  await using egress = openEgress(LOOPBACK);
  const { body } = await egress.fetch(`http://127.0.0.1:${server.port}/`);
  expect(new TextDecoder().decode(body)).toBe('hello');
});

test('an encoding that is unknown or stacked is handed on undecoded, with its header', async () => {
  const twice = gzipSync(gzipSync('hello'));
  await using server = await startServer((_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(twice);
  });
  await using egress = openEgress(LOOPBACK);
  const { body, headers } = await egress.fetch(`http://127.0.0.1:${server.port}/`);
  expect(Buffer.from(body).equals(twice)).toBe(true);
  expect(headers['content-encoding']).toBe('gzip, gzip');
});

test.each(['HEAD', 'GET'])('a %s response without a body is empty whatever its headers say', async (method) => {
  await using server = await startServer((_, response) => {
    response
      .writeHead(method === 'HEAD' ? 200 : 304, { 'content-encoding': 'gzip', 'content-length': 5 * MEBIBYTE })
      .end();
  });
  await using egress = openEgress(LOOPBACK);
  const { body } = await egress.fetch(`http://127.0.0.1:${server.port}/`, { method });
  expect(body).toHaveLength(0);
});

test('threat 21: an endless body is cut off at the cap and its connection closed', async () => {
  await using server = await startServer((_, response) => pour(response, Buffer.alloc(65_536)));
  await using egress = openEgress(LOOPBACK);
  const error = await failure(egress.fetch(`http://127.0.0.1:${server.port}/`, { maxBytes: 200_000 }));
  expect(error.code).toBe('egress_too_large');
  expect(error.message).toContain(`127.0.0.1:${server.port}`);
  await expect.poll(server.open).toBe(0);
});

test('threat 21: a body that is announced as too large is not read at all', async () => {
  await using server = await startServer((_, response) => {
    response.writeHead(200, { 'content-length': 5e9 }).flushHeaders();
  });
  await using egress = openEgress(LOOPBACK);
  expect((await failure(egress.fetch(`http://127.0.0.1:${server.port}/`))).code).toBe('egress_too_large');
  await expect.poll(server.open).toBe(0);
});

test('a body of exactly the cap passes, also when it comes a byte at a time', async () => {
  await using server = await startServer(async (_, response) => {
    for (let i = 0; i < 3_000; i += 1) response.write('x');
    response.end();
  });
  await using egress = openEgress(LOOPBACK);
  const { body } = await egress.fetch(`http://127.0.0.1:${server.port}/`, { maxBytes: 3_000 });
  expect(Buffer.from(body).toString()).toBe('x'.repeat(3_000));
});

test.each(['', 'gzip'])(
  'threat 21: a slow drip (content-encoding %j) ends with the total timeout',
  async (encoding) => {
    await using server = await startServer((_, response) => {
      response.writeHead(200, encoding === '' ? {} : { 'content-encoding': encoding });
      const data = gzipSync(Buffer.alloc(MEBIBYTE));
      let at = 0;
      const timer = setInterval(() => response.write(data.subarray(at, ++at)), 20);
      response.on('close', () => clearInterval(timer));
    });
    await using egress = openEgress(LOOPBACK);
    const started = performance.now();
    const error = await failure(egress.fetch(`http://127.0.0.1:${server.port}/`, { timeoutMs: 300 }));
    expect(error.code).toBe('egress_timeout');
    expect(performance.now() - started).toBeLessThan(5_000);
    await expect.poll(server.open).toBe(0);
  },
);

test('threat 21: the timeout covers headers that never come, redirects together, and a name that never resolves', async () => {
  await using server = await startServer((request, response) => {
    if (request.url === '/silent') return;
    setTimeout(() => response.writeHead(302, { location: '/again' }).end(), 100);
  });
  const lookup = () => new Promise<never>(() => {});
  await using egress = openEgress({ ...LOOPBACK, lookup });
  const options = { timeoutMs: 250, maxRedirects: 20 };
  for (const url of [`http://127.0.0.1:${server.port}/silent`, `http://127.0.0.1:${server.port}/`, 'http://a.test/']) {
    const started = performance.now();
    expect((await failure(egress.fetch(url, options))).code).toBe('egress_timeout');
    expect(performance.now() - started).toBeLessThan(5_000);
  }
});

test('a request that timed out while waiting for a free connection is never sent afterwards', async () => {
  await using server = await startServer((_, response) => {
    setTimeout(() => response.end('ok'), 300);
  });
  await using egress = openEgress({ ...LOOPBACK, connectionsPerOrigin: 1 });
  const url = `http://127.0.0.1:${server.port}`;
  const first = egress.fetch(`${url}/first`);
  const late = failure(egress.fetch(`${url}/late`, { method: 'POST', timeoutMs: 100 }));
  expect((await late).code).toBe('egress_timeout');
  await first;
  await egress.fetch(`${url}/last`);
  expect(server.requests).toEqual(['GET /first', 'GET /last']);
});

test('an abort ends the request before it starts, while it waits and while it reads, and closes the connection', async () => {
  await using server = await startServer((request, response) => {
    if (request.url === '/reads') response.write('x');
  });
  await using egress = openEgress(LOOPBACK);
  const early = await failure(egress.fetch(`http://127.0.0.1:${server.port}/`, { signal: AbortSignal.abort() }));
  expect(early.code).toBe('egress_aborted');
  expect(server.connections()).toBe(0);
  for (const path of ['/waits', '/reads']) {
    const controller = new AbortController();
    const request = failure(egress.fetch(`http://127.0.0.1:${server.port}${path}`, { signal: controller.signal }));
    await expect.poll(() => server.requests).toContain(`GET ${path}`);
    controller.abort(new Error('no longer wanted'));
    expect((await request).code).toBe('egress_aborted');
    await expect.poll(server.open).toBe(0);
  }
});

test('closing ends requests under way', async () => {
  await using server = await startServer(() => {});
  await using egress = openEgress(LOOPBACK);
  const request = failure(egress.fetch(`http://127.0.0.1:${server.port}/`));
  await expect.poll(() => server.requests).toHaveLength(1);
  await egress[Symbol.asyncDispose]();
  expect((await request).code).toBe('egress_aborted');
  expect((await failure(egress.fetch(`http://127.0.0.1:${server.port}/`))).code).toBe('egress_aborted');
});

test('a refused connection says so by its code', async () => {
  const server = await startServer(() => {});
  await server[Symbol.asyncDispose]();
  await using egress = openEgress(LOOPBACK);
  const error = await failure(egress.fetch(`http://127.0.0.1:${server.port}/secret?token=t`));
  expect(error.code).toBe('egress_failed');
  expect(error.message).toContain('ECONNREFUSED');
  expect(error.message).not.toContain('secret');
});

test.each([
  ['an answer that is not HTTP', 'SSH-2.0-OpenSSH\r\n'],
  ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ['headers without end', `HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(20_000)}`],
  ['two content lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
])('%s fails', async (_, bytes) => {
  const server = createServer((socket) => socket.on('error', () => {}).write(bytes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await using egress = openEgress(LOOPBACK);
  expect((await failure(egress.fetch(`http://127.0.0.1:${port}/`, { timeoutMs: 5_000 }))).code).toBe('egress_failed');
  server.close();
});

test('a response header named __proto__ or constructor pollutes nothing', async () => {
  const server = createServer((socket) =>
    socket.end('HTTP/1.1 200 OK\r\n__proto__: a\r\nconstructor: b\r\nContent-Length: 0\r\n\r\n'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await using egress = openEgress(LOOPBACK);
  const { headers } = await egress.fetch(`http://127.0.0.1:${port}/`);
  expect(Object.keys(headers)).toEqual(['constructor', 'content-length']);
  server.close();
});
