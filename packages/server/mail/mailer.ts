import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '@flowplane/db/database';
import type { Mail } from './mail.ts';

/** Sends mails that nobody waits for. */
export type Mailer = {
  /**
   * Writes a mail, and sends it unless there is none to send, a few times if need be.
   *
   * @param write gets the database, outside of any transaction of the caller.
   */
  send(write: (db: Db) => Promise<Mail | undefined>): void;
  /** Resolves when all that was begun is sent or given up; then pauses between attempts are over, too. */
  close(): Promise<void>;
};

export type MailerOptions = {
  db: Db;
  deliver: (mail: Mail) => Promise<void>;
  /** Told of a mail that could not be written or, after the last attempt, sent: nobody else hears of it. */
  onLost: (error: unknown, mail: { to: string; subject: string } | undefined) => void;
  /** The pauses (ms) before further attempts. */
  pausesMs?: readonly number[];
};

/** Mails that may be under way at once; a further one is lost, and said to be. */
const most = 1_000;

/** Prepares the sending of mails. One per process. */
export function createMailer({ db, deliver, onLost, pausesMs = [1_000, 5_000, 30_000] }: MailerOptions): Mailer {
  const underWay = new Set<Promise<void>>();
  const closing = new AbortController();

  async function deliverOrThrow(mail: Mail): Promise<void> {
    for (const pause of pausesMs) {
      try {
        return await deliver(mail);
      } catch {
        // A process that ends does not pause: it tries the last time at once.
        if (!closing.signal.aborted) await sleep(pause, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
    await deliver(mail);
  }

  async function work(write: (db: Db) => Promise<Mail | undefined>): Promise<void> {
    let mail: Mail | undefined;
    try {
      mail = await write(db);
      if (mail) await deliverOrThrow(mail);
    } catch (error) {
      onLost(error, mail && { to: mail.to, subject: mail.subject });
    }
  }

  return {
    send(write) {
      if (underWay.size >= most)
        return onLost(new Error(`${most} mails are under way: this one is not sent`), undefined);
      const sending = work(write).finally(() => underWay.delete(sending));
      underWay.add(sending);
    },
    async close() {
      closing.abort();
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
