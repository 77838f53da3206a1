import { once } from 'node:events';
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';

/** A TCP proxy before a server, which a test can cut and mend: connections break at once, and new ones are refused. */
export type Proxy = AsyncDisposable & { port: number; cut(): void; mend(): Promise<void> };

export async function startProxy(target: NetConnectOpts): Promise<Proxy> {
  const sockets = new Set<Socket>();
  function pair(near: Socket): void {
    const far = connect(target);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  }
  const server = createServer(pair).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port');
  const { port } = address;
  function cut(): void {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
  return {
    port,
    cut,
    async mend() {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    async [Symbol.asyncDispose]() {
      cut();
    },
  };
}

/** A proxy before a database of the embedded cluster, and the URL that leads through it. */
export async function proxyDatabase(databaseUrl: string): Promise<{ proxy: Proxy; url: string }> {
  const url = new URL(databaseUrl);
  const directory = url.searchParams.get('host');
  const port = url.searchParams.get('port') ?? url.port;
  const proxy = await startProxy(
    directory ? { path: `${directory}/.s.PGSQL.${port || 5432}` } : { host: url.hostname, port: Number(url.port) },
  );
  url.search = '';
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return { proxy, url: url.href };
}
