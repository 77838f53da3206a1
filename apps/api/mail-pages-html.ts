import { readFileSync } from 'node:fs';
import { password } from '@flowplane/contract/auth';
import type { MailPage } from '@flowplane/server/auth/passwords/mail-link';
import { page } from './html-page.ts';

/** What the pages do, as it stands in each of them. */
export const mailPagesScript = readFileSync(new URL('mail-pages.js', import.meta.url), 'utf8');

const error = '<p class="error" role="alert"></p>';

function input(id: string, label: string, attributes: string): string {
  return `<div class="field">
<label for="${id}">${label}</label>
<input id="${id}" ${attributes}>
</div>`;
}

/** Whose account it is; in the form also for the sake of password managers. */
function address(id: string): string {
  return input(id, 'Email', 'name="email" type="email" autocomplete="username" readonly');
}

function passwordInput(id: string, label: string, attributes: string): string {
  return `<div class="field">
<label for="${id}">${label}</label>
<input id="${id}" name="password" type="password" required ${attributes}>
<label class="check"><input type="checkbox" data-shows="${id}">Show the password</label>
</div>`;
}

function newPassword(id: string, label: string): string {
  const least = password.minLength ?? 1;
  const hint = `${label} <span class="hint">(at least ${least} characters)</span>`;
  return passwordInput(id, hint, `autocomplete="new-password" minlength="${least}"`);
}

function button(text: string): string {
  return `${error}\n<div class="buttons"><button>${text}</button></div>`;
}

/** Everything is hidden until the script shows it, so that without scripts no form pretends to work. `again` is what helps when the link does not. */
function mailPage({ title, content, again }: { title: string; content: string; again: string }): string {
  return page(
    title,
    `<h1 id="title" tabindex="-1">${title}</h1>
<noscript><p>This page works with JavaScript only. Allow it here and open the link in the mail again, or open it in another browser.</p></noscript>
<p id="message" class="text"></p>
<p id="detail" class="about"></p>
<div id="content" hidden>
${content}
</div>
<div id="again" hidden>
${again}
</div>`,
    mailPagesScript,
  );
}

const verifyEmail = mailPage({
  title: 'Confirm your email address',
  content: `<form id="verify-email">
<p>Confirm that the mail with this link was sent to you.</p>
${button('Confirm the address')}
</form>`,
  again:
    '<p>If the address was confirmed by this link before, there is nothing to do. Otherwise sign in, and ask for another mail.</p>',
});

const resetPassword = mailPage({
  title: 'Choose a new password',
  content: `<form id="reset-password">
${newPassword('new-password', 'New password')}
<p class="about">You will be signed out everywhere.</p>
${button('Set the password')}
</form>`,
  again: `<form id="forgot-password">
<p>Ask for a mail with a link to choose a new password. The link works once, and not for long.</p>
${input('forgotten', 'Email', 'name="email" type="email" autocomplete="username" required')}
${button('Send the mail')}
</form>`,
});

const acceptInvitation = mailPage({
  title: 'Accept the invitation',
  content: `<dl>
<dt>Team</dt><dd id="team"></dd>
<dt>Your role</dt><dd id="role"></dd>
<dt>Invited by</dt><dd id="inviter"></dd>
<dt>For</dt><dd id="address"></dd>
<dt>Until</dt><dd id="until"></dd>
</dl>
<p id="other" class="text"></p>
<form id="accept" hidden>
<p>You are signed in as this address.</p>
${button('Accept')}
</form>
<div id="accounts" hidden>
<details name="account" open>
<summary>I am new</summary>
<form id="register">
${address('new-email')}
${input('name', 'Your name', 'name="name" autocomplete="name" required maxlength="100"')}
${newPassword('first-password', 'Password')}
${button('Make an account and accept')}
</form>
</details>
<details name="account">
<summary>I have an account</summary>
<form id="login">
${address('known-email')}
${passwordInput('password', 'Password', 'autocomplete="current-password"')}
<p class="about">None, or forgotten? <a href="reset-password" target="_blank">Choose a new one</a>, and come back.</p>
${button('Sign in and accept')}
</form>
</details>
</div>`,
  again:
    '<p>If you have accepted it before, you are in the team already. Otherwise ask whoever invited you for another mail.</p>',
});

/** The page to which each kind of mail leads. */
export const mailPages: Record<MailPage, string> = {
  'verify-email': verifyEmail,
  'reset-password': resetPassword,
  'accept-invitation': acceptInvitation,
};
