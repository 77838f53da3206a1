import { createTransport } from 'nodemailer';
import type { Mail } from './mail.ts';

/** How mails leave: to which server, and as whom. */
export type SmtpOptions = {
  host: string;
  port: number;
  /** `tls` from the first byte, `starttls` before anything else is said, or `none` for a server next door. */
  security: 'tls' | 'starttls' | 'none';
  user?: string | undefined;
  password?: string | undefined;
  /** An address, or `Name <address>`. */
  from: string;
};

const timeoutMs = 10_000;

/** Prepares delivery by SMTP. A delivery fails within half a minute when the server does not take the mail. */
export function smtpDelivery({
  host,
  port,
  security,
  user,
  password,
  from,
}: SmtpOptions): (mail: Mail) => Promise<void> {
  const transport = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // Our mails are texts: no part of one may name a file or a URL to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async ({ to, ...mail }) => {
    // As an object, an address is not parsed into several.
    await transport.sendMail({ ...mail, from, to: { name: '', address: to } });
  };
}
