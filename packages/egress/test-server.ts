import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';

export type TestServer = {
  port: number;
  /** TCP connections accepted so far. */
  connections(): number;
  /** Connections open now. */
  open(): number;
  /** Every request so far, as `METHOD /path`. */
  requests: string[];
  [Symbol.asyncDispose](): Promise<void>;
};

/** A real HTTP server for a test, on every local address unless `host` names one, and on any free port unless given. */
export async function startServer(
  handler: RequestListener,
  { host, port = 0 }: { host?: string; port?: number } = {},
): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handler(request, response);
  });
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The test server has no port');
  return {
    port: address.port,
    connections: () => connections,
    open: () => sockets.size,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
