import { openDatabase } from '@flowplane/db/database';
import { testDatabase } from '@flowplane/db/testing';
import { afterAll, expect, test } from 'vitest';
import type { Mail } from './mail.ts';
import { createMailer } from './mailer.ts';
import { smtpDelivery } from './smtp.ts';
import { resetMail, verificationMail } from './templates.ts';
import { smtpServer, textOf } from './test-smtp.ts';

const stored = await testDatabase();
const { db, close } = openDatabase(stored.url);
afterAll(async () => {
  await close();
  await stored[Symbol.asyncDispose]();
});

const linked = { to: 'ada@example.com', name: 'Ada', link: 'https://flowplane.test/x#token=abc', minutes: 30 };
const mail = resetMail(linked);

function mailerTo(deliver: (mail: Mail) => Promise<void>, pausesMs = [1, 1, 1]) {
  const lost: { error: unknown; mail: unknown }[] = [];
  return { lost, ...createMailer({ db, deliver, onLost: (error, mail) => lost.push({ error, mail }), pausesMs }) };
}

function to(port: number, more: object = {}) {
  const from = 'Flowplane <no-reply@flowplane.test>';
  return smtpDelivery({ host: '127.0.0.1', port, security: 'none', from, ...more });
}

test('a mail arrives as text and HTML, from whom the operator says', async () => {
  await using server = await smtpServer({ user: 'me', password: 'secret' });
  const { send, close: finish, lost } = mailerTo(to(server.port, { user: 'me', password: 'secret' }));
  send(async () => mail);
  await finish();
  expect(lost).toEqual([]);
  expect(server.received).toMatchObject([{ from: 'no-reply@flowplane.test', to: ['ada@example.com'], user: 'me' }]);
  const [arrived] = server.received;
  if (!arrived) throw new Error('none arrived');
  expect(arrived.source).toContain('From: Flowplane <no-reply@flowplane.test>');
  expect(arrived.source).toMatch(/text\/plain[\s\S]*text\/html/);
  expect(textOf(arrived)).toContain(linked.link);
});

test('a server that is busy is asked again; one that never takes the mail is reported with its recipient', async () => {
  await using busy = await smtpServer({ refuse: 3 });
  const patient = mailerTo(to(busy.port));
  patient.send(async () => mail);
  await expect.poll(() => busy.received.length, { timeout: 10_000 }).toBe(1);
  await patient.close();
  expect(patient.lost).toEqual([]);

  await using closed = await smtpServer({ refuse: 100 });
  const hopeless = mailerTo(to(closed.port));
  hopeless.send(async () => mail);
  await expect.poll(() => hopeless.lost.length, { timeout: 10_000 }).toBe(1);
  await hopeless.close();
  expect(hopeless.lost[0]?.mail).toEqual({ to: 'ada@example.com', subject: mail.subject });
  expect(String(hopeless.lost[0]?.error)).toContain('try again later');
});

test('with STARTTLS asked for, nothing is said to a server that has none', async () => {
  await using server = await smtpServer();
  const strict = mailerTo(to(server.port, { security: 'starttls' }), []);
  strict.send(async () => mail);
  await strict.close();
  expect(strict.lost).toHaveLength(1);
  expect(server.received).toEqual([]);
});

test('closing waits for what is under way, but not for pauses', async () => {
  let tries = 0;
  const failing = mailerTo(async () => {
    tries += 1;
    throw new Error('away');
  }, [60_000, 60_000]);
  failing.send(async () => mail);
  await expect.poll(() => tries, { timeout: 10_000 }).toBe(1);
  await failing.close();
  expect(tries).toBe(3);
  expect(failing.lost).toHaveLength(1);
});

test('a mail that cannot be written is reported; one that need not be is not', async () => {
  const { send, close: finish, lost } = mailerTo(async () => {});
  send(async () => Promise.reject(new Error('no database')));
  send(async () => undefined);
  await finish();
  expect(lost).toMatchObject([{ error: new Error('no database'), mail: undefined }]);
});

test('more mails than may be under way are reported, not kept', async () => {
  const held = Promise.withResolvers<void>();
  const { send, close: finish, lost } = mailerTo(() => held.promise);
  for (let n = 0; n < 1_001; n += 1) send(async () => mail);
  expect(lost).toHaveLength(1);
  held.resolve();
  await finish();
});

test('no name breaks out of a mail', () => {
  const name = '<img src=x onerror="a">\r\nBcc: all@example.com';
  for (const made of [verificationMail({ ...linked, name }), resetMail({ ...linked, name })]) {
    expect(made.html).not.toContain('<img');
    expect(made.subject).not.toContain('\n');
    expect(made.to).toBe('ada@example.com');
  }
  expect(verificationMail({ ...linked, minutes: 1_440 }).text).toContain('for 24 hours');
  expect(mail.text).toContain('for 30 minutes');
});

test('an address that looks like several is one recipient', async () => {
  await using server = await smtpServer();
  const { send, close: finish } = mailerTo(to(server.port), []);
  send(async () => ({ ...mail, to: 'a@example.com, b@example.com' }));
  await finish();
  for (const { to: recipients } of server.received) expect(recipients).toHaveLength(1);
});
