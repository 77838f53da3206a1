import type { Db } from '@flowplane/db/database';
import type { Mail } from '@flowplane/server/mail/mail';
import { createMailer, type Mailer } from '@flowplane/server/mail/mailer';
import { smtpDelivery } from '@flowplane/server/mail/smtp';
import type { Logger } from 'pino';
import type { Settings } from './settings.ts';

/** Without a server: a developer finds the link in the log, an operator only that mails are not sent, for links sign in. */
function logInstead({ ENVIRONMENT }: Settings, log: Logger): (mail: Mail) => Promise<void> {
  return async ({ to, subject, text }) => {
    if (ENVIRONMENT === 'development') log.info({ to, subject, text }, 'mail, not sent: SMTP_HOST is not set');
    else log.warn({ subject }, 'a mail is not sent: set SMTP_HOST');
  };
}

/** What sends the instance's mails, as the settings say. */
export function mailerOf({ settings, log, db }: { settings: Settings; log: Logger; db: Db }): Mailer {
  const { SMTP_HOST: host, MAIL_FROM: from } = settings;
  const deliver =
    host === undefined || from === undefined
      ? logInstead(settings, log)
      : smtpDelivery({
          host,
          port: settings.SMTP_PORT,
          security: settings.SMTP_SECURITY,
          user: settings.SMTP_USER,
          password: settings.SMTP_PASSWORD,
          from,
        });
  return createMailer({
    db,
    deliver,
    onLost: (error, mail) => log.error({ error, ...mail }, 'a mail could not be sent'),
  });
}
