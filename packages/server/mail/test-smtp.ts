import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';

/** What reached the server, as it was sent. */
export type Received = { from: string; to: string[]; source: string; user: string | undefined };

/** A small SMTP server on a free port of this machine. `refuse` answers as many mails as it says with "try again later". */
export async function smtpServer(options: { refuse?: number; user?: string; password?: string } = {}) {
  const received: Received[] = [];
  let refusals = options.refuse ?? 0;
  const server = new SMTPServer({
    authOptional: options.user === undefined,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth({ username, password }, _, done) {
      const right = username === options.user && password === options.password;
      done(right ? null : new Error('wrong'), right ? { user: username } : undefined);
    },
    onData(stream, { envelope, user }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (refusals > 0) {
          refusals -= 1;
          return done(Object.assign(new Error('try again later'), { responseCode: 451 }));
        }
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        const to = envelope.rcptTo.map(({ address }) => address);
        received.push({ from, to, source: Buffer.concat(chunks).toString(), user });
        done();
      });
    },
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    received,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** The text part of a mail, with the line breaks of quoted-printable undone. */
export function textOf({ source }: Received): string {
  return source
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The token in the link of a mail. */
export function tokenIn(mail: Received): string {
  return /#token=([\w-]+)/.exec(textOf(mail))?.[1] ?? '';
}
