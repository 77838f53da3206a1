import { createClient } from '@flowplane/client';
import { type Received, smtpServer, textOf } from '@flowplane/server/mail/test-smtp';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { findChromium, launchChromium } from './test-chromium.ts';
import { ownerOf } from './test-client.ts';
import { dataDirectory, freePort, type Instance, startInstance } from './test-process.ts';

const chromium = findChromium();
const skipped = !chromium && !inject('ci');
if (skipped) console.log('mail-pages.browser.test.ts is skipped: this machine has no Chromium');

const password = 'correct horse battery';
let stack: AsyncDisposableStack;
let smtp: Awaited<ReturnType<typeof smtpServer>>;
let instance: Instance;
let browser: Browser;
let invite: (email: string) => Promise<string>;

beforeAll(async () => {
  if (skipped) return;
  if (!chromium) throw new Error('CI needs a Chromium on the PATH');
  stack = new AsyncDisposableStack();
  const data = stack.use(dataDirectory());
  smtp = stack.use(await smtpServer());
  instance = startInstance({
    API_PORT: String(await freePort()),
    DATA_DIR: data.path,
    SMTP_HOST: '127.0.0.1',
    SMTP_PORT: String(smtp.port),
    SMTP_SECURITY: 'none',
    MAIL_FROM: 'flowplane@example.com',
    GUESTS: 'on',
  });
  stack.defer(async () => {
    instance.child.kill('SIGTERM');
    await instance.ended;
  });
  await instance.ready();
  browser = stack.use(await launchChromium(chromium));
  const { client } = await ownerOf(instance);
  const { id } = await client.teams.create({ name: 'Acme', slug: 'acme' });
  invite = async (email) => {
    await client.teams.invitations.create({ id, email });
    return linkTo(email, 'accept-invitation');
  };
}, 60_000);
afterAll(() => stack?.disposeAsync());

const client = (token?: string) => createClient({ url: instance.url, ...(token ? { token } : {}) });

/** The newest link of a kind that was mailed to an address. */
async function linkTo(email: string, kind: string): Promise<string> {
  const link = (mail: Received) => new RegExp(`http://\\S+/${kind}#token=[\\w-]+`).exec(textOf(mail))?.[0];
  const found = () => smtp.received.filter(({ to }) => to.includes(email)).findLast(link);
  await expect.poll(found, { timeout: 10_000 }).toBeDefined();
  const mail = found();
  return (mail && link(mail)) ?? '';
}

/** A page in a browser of its own, and what it complains of: about its policy, its script, or an address that is not ours. */
async function newPage(): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // What the API refuses is in the console too.
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(instance.url)) complaints.push(request.url());
  });
  return { page, complaints };
}

/** Opens a link and waits until its page offers something. The token leaves the address, and the page fits a phone. */
async function open(page: Page, link: string, button: string): Promise<void> {
  await page.goto(link);
  await page.getByRole('button', { name: button }).waitFor();
  expect(page.url()).toBe(link.replace(/#.*/, ''));
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
}

/** How it ended is what a screen reader reads next. */
async function heading(page: Page, text: string): Promise<void> {
  await page.locator('h1:focus', { hasText: text }).waitFor();
}

async function teamsOf(email: string): Promise<string[]> {
  const { accessToken } = await client().auth.login({ email, password });
  const { items } = await client(accessToken).teams.list();
  return items.map(({ name }) => name);
}

test.skipIf(skipped)('an address is confirmed by a click on the page of the mail, and not by opening it', async () => {
  const email = 'ada@example.com';
  const { accessToken } = await client().auth.register({ email, password, name: 'Ada' });
  const isVerified = async () => (await client(accessToken).auth.me()).user.emailVerified;
  const link = await linkTo(email, 'verify-email');
  const { page, complaints } = await newPage();

  await open(page, link, 'Confirm the address');
  await page.reload();
  await heading(page, 'This link is not complete');
  expect(await isVerified()).toBe(false);

  // Only what is behind `#` changes by this, and the page still sees it.
  await open(page, link, 'Confirm the address');
  await page.getByRole('button').click();
  await heading(page, 'The address is confirmed');
  expect(await isVerified()).toBe(true);

  await open(page, link, 'Confirm the address');
  await page.getByRole('button').click();
  await heading(page, 'This link does not work');
  await page.getByText('was used before or has expired').waitFor();
  await page.getByText('there is nothing to do').waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});

test.skipIf(skipped)('a new password is chosen on the page of the mail, and another mail asked for there', async () => {
  const email = 'grace@example.com';
  await client().auth.register({ email, password, name: 'Grace' });
  await client().auth.password.forgot({ email });
  const link = await linkTo(email, 'reset-password');
  const { page, complaints } = await newPage();

  await open(page, link, 'Set the password');
  await client().auth.login({ email, password });
  const field = page.getByLabel('New password');
  await field.fill('too short');
  await page.getByLabel('Show the password').check();
  expect(await field.getAttribute('type')).toBe('text');
  await page.getByLabel('Show the password').uncheck();
  await page.getByRole('button').click();
  await page.locator('#new-password:user-invalid').waitFor();
  await field.fill('long enough '.repeat(30));
  await page.getByRole('button').click();
  await page.getByRole('alert').getByText('must have at most 256 characters').waitFor();
  await field.fill('four other words entirely');
  await page.getByRole('button').click();
  await heading(page, 'The new password is set');
  await client().auth.login({ email, password: 'four other words entirely' });
  await expect(client().auth.login({ email, password })).rejects.toMatchObject({ code: 'invalid_credentials' });

  await open(page, link, 'Set the password');
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button').click();
  await heading(page, 'This link does not work');
  await page.getByLabel('Email').fill(email);
  await page.getByRole('button', { name: 'Send the mail' }).click();
  await heading(page, 'Look into your mail');
  await expect.poll(() => linkTo(email, 'reset-password'), { timeout: 10_000 }).not.toBe(link);
  expect(complaints).toEqual([]);
  await page.close();
});

test.skipIf(skipped)('who is new makes an account on the page of an invitation, and is in the team', async () => {
  const email = 'new@example.com';
  const link = await invite(email);
  const { page, complaints } = await newPage();

  await open(page, link, 'Make an account and accept');
  for (const text of ['Acme', 'user', email]) await page.getByText(text, { exact: true }).first().waitFor();
  await expect(client().auth.login({ email, password })).rejects.toMatchObject({ code: 'invalid_credentials' });
  await page.getByLabel('Your name').fill('Newcomer');
  await page.getByLabel('Password (at least 10 characters)').fill(password);
  await page.getByRole('button', { name: 'Make an account and accept' }).click();
  await heading(page, 'You are in the team Acme');
  expect(await teamsOf(email)).toEqual(['Acme']);

  await page.goto(link);
  await heading(page, 'This link does not work');
  await page.getByText('was used before or has expired').waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});

test.skipIf(skipped)(
  'who has an account signs in on the page of an invitation, whoever is signed in there',
  async () => {
    const { page, complaints } = await newPage();
    for (const email of ['one@example.com', 'two@example.com']) {
      await client().auth.register({ email, password, name: 'Somebody' });
      await open(page, await invite(email), 'Make an account and accept');
      // The second time the browser is signed in as the first one, and is told so.
      expect(await page.getByText('You are signed in as one@example.com').count()).toBe(
        email.startsWith('two') ? 1 : 0,
      );
      await page.getByText('I have an account').click();
      const form = page.locator('#login');
      await form.getByLabel('Password', { exact: true }).fill('not the password');
      await form.getByRole('button').click();
      await form.getByRole('alert').getByText('The email or the password is wrong.').waitFor();
      expect(await teamsOf(email)).toEqual(['Somebody']);
      await form.getByLabel('Password', { exact: true }).fill(password);
      await form.getByRole('button').click();
      await heading(page, 'You are in the team Acme');
      expect((await teamsOf(email)).sort()).toEqual(['Acme', 'Somebody']);
    }
    expect(complaints).toEqual([]);
    await page.close();
  },
);

test.skipIf(skipped)('who is signed in as the invited address only accepts', async () => {
  const email = 'three@example.com';
  await client().auth.register({ email, password, name: 'Three' });
  const { page, complaints } = await newPage();
  const link = await invite(email);
  await page.goto(`${instance.url}/reset-password`);
  await page.request.post(`${instance.url}/api/v1/auth/login`, { data: { email, password } });
  await open(page, link, 'Accept');
  expect(await page.locator('form:visible').count()).toBe(1);
  expect(await teamsOf(email)).toEqual(['Three']);
  await page.getByRole('button').click();
  await heading(page, 'You are in the team Acme');
  expect((await teamsOf(email)).sort()).toEqual(['Acme', 'Three']);
  expect(complaints).toEqual([]);
  await page.close();
});

test.skipIf(skipped)(
  'a guest who is invited becomes an account that keeps its team, and is in the other one too',
  async () => {
    const email = 'guest@example.com';
    const { page, complaints } = await newPage();
    const link = await invite(email);
    await page.request.post(`${instance.url}/api/v1/auth/guest`);
    await open(page, link, 'Make an account and accept');
    await page.getByLabel('Your name').fill('Known guest');
    await page.getByLabel('Password (at least 10 characters)').fill(password);
    await page.getByRole('button', { name: 'Make an account and accept' }).click();
    await heading(page, 'You are in the team Acme');
    expect((await teamsOf(email)).sort()).toEqual(['Acme', 'Known guest']);
    expect(complaints).toEqual([]);
    await page.close();
  },
);

test.skipIf(skipped)('without scripts a page says what to do, and no page may be framed, kept or told of', async () => {
  const page = await browser.newPage({ javaScriptEnabled: false });
  for (const path of ['verify-email', 'reset-password', 'accept-invitation']) {
    const answer = await page.goto(`${instance.url}/${path}#token=x`);
    expect(answer?.headers()).toMatchObject({
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'$/,
      ),
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex, nofollow',
    });
    expect(await page.locator('noscript p:visible').textContent()).toContain('works with JavaScript only');
    expect(await page.getByRole('button').count()).toBe(0);
  }
  await page.close();
});
