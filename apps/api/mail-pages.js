// @ts-check

/** @typedef {{ detail: string, errors?: { path: string, message: string }[] }} Problem */
/** @typedef {{ team: string, role: string, invitedBy: string | null, email: string, expiresAt: string }} Preview */
/** @typedef {{ user: { email: string | null, name: string, guestUntil: string | null } }} Me */

/** What the API refused, as the page says it. */
class Refused extends Error {
  /** @param {Problem} problem */
  constructor({ detail, errors = [] }) {
    super(detail);
    this.isOfToken = errors.some(({ path }) => path === 'token' || path === 'invitation');
  }
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no ${id}.`);
  return found;
}

/**
 * Calls the API: GET, or POST with a body.
 *
 * @param {string} path
 * @param {object} [body]
 * @throws {Error} that says what to do.
 */
async function call(path, body) {
  const headers = { 'content-type': 'application/json' };
  const init = body && { method: 'POST', headers, body: JSON.stringify(body) };
  // Relative, as the instance may be below a path of a proxy.
  const response = await fetch(`api/v1/${path}`, init).catch(() => {
    throw new Error('The instance cannot be reached: try again in a moment.');
  });
  if (response.status === 204) return undefined;
  const answer = await response.json().catch(() => ({ detail: `The instance answered ${response.status}.` }));
  if (response.ok) return answer;
  throw new Refused(answer);
}

/**
 * Shows how it ended in place of the forms.
 *
 * @param {string} title
 * @param {string} message
 */
function end(title, message) {
  document.title = title;
  element('title').textContent = title;
  element('message').textContent = message;
  element('content').hidden = true;
  element('again').hidden = true;
  element('title').focus();
}

/** @param {unknown} error */
function textOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Shows that the link is no good, and what helps.
 *
 * @param {unknown} error
 */
function endBadLink(error) {
  end('This link does not work', '');
  element('detail').textContent = textOf(error);
  element('again').hidden = false;
}

/**
 * Sends a form, once at a time, and shows beside its button why that did not work.
 *
 * @param {string} id
 * @param {(fields: Record<string, FormDataEntryValue>) => Promise<void>} send
 */
function onSubmit(id, send) {
  const form = element(id);
  const alert = form.querySelector('[role=alert]');
  if (!(form instanceof HTMLFormElement) || !alert) throw new Error(`${id} is no form.`);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.ariaBusy === 'true') return;
    form.ariaBusy = 'true';
    alert.textContent = '';
    try {
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      if (error instanceof Refused && error.isOfToken) endBadLink(error);
      else alert.textContent = textOf(error);
    } finally {
      form.ariaBusy = 'false';
    }
  });
}

/** @param {string} token */
function verifyEmail(token) {
  onSubmit('verify-email', async () => {
    await call('auth/verify-email', { token });
    end('The address is confirmed', 'You can close this page.');
  });
}

/** @param {string} token */
function resetPassword(token) {
  onSubmit('reset-password', async ({ password }) => {
    await call('auth/password/reset', { token, password });
    end('The new password is set', 'Sign in with it from now on. You can close this page.');
  });
}

function forgotPassword() {
  onSubmit('forgot-password', async ({ email }) => {
    const { detail } = await call('auth/password/forgot', { email });
    element('detail').textContent = '';
    end('Look into your mail', detail);
  });
}

/** @param {Preview} invitation */
function showInvitation({ team, role, invitedBy, email, expiresAt }) {
  element('team').textContent = team;
  element('role').textContent = role;
  element('inviter').textContent = invitedBy ?? 'somebody who has left';
  element('address').textContent = email;
  element('until').textContent = new Date(expiresAt).toLocaleString();
  for (const field of document.querySelectorAll('input[name=email][readonly]')) field.setAttribute('value', email);
}

/** @param {string} token */
async function acceptInvitation(token) {
  /** @type {Preview} */
  const invitation = await call('invitations/preview', { token });
  const { email, team, role } = invitation;
  /** @type {Me | undefined} */
  const me = await call('auth/me').catch(() => undefined);
  const isGuest = me !== undefined && me.user.guestUntil !== null;
  const isInvited = me?.user.email === email;
  showInvitation(invitation);
  element('accept').hidden = !isInvited;
  element('accounts').hidden = isInvited;
  if (me && !isGuest && !isInvited) {
    const other = me.user.email ?? me.user.name;
    element('other').textContent =
      `You are signed in as ${other}, who is not invited. Go on as ${email}: this browser will be signed in as that address instead.`;
  }

  function endAccepted(asRole = role) {
    end(`You are in the team ${team}`, `Your role there is ${asRole}. You can close this page.`);
  }
  async function accept() {
    const joined = await call('invitations/accept', { token });
    endAccepted(joined.role);
  }
  onSubmit('accept', accept);
  onSubmit('login', async (fields) => {
    await call('auth/login', fields);
    await accept();
  });
  onSubmit('register', async (fields) => {
    // A guest keeps what they have, and is not taken into the team by registering.
    await call('auth/register', isGuest ? fields : { ...fields, invitation: token });
    if (isGuest) await accept();
    else endAccepted();
  });
}

async function start() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  // Out of the address bar, the history and what people copy.
  history.replaceState(null, '', location.pathname);
  // The same link opened here once more changes only what is behind `#`.
  addEventListener('hashchange', () => location.reload());
  for (const box of document.querySelectorAll('input[data-shows]')) {
    box.addEventListener('change', () => {
      const shown = box instanceof HTMLInputElement && box.checked;
      element(box.getAttribute('data-shows') ?? '').setAttribute('type', shown ? 'text' : 'password');
    });
  }
  const page = location.pathname.split('/').at(-1);
  if (page === 'reset-password') forgotPassword();
  if (!token) {
    if (page === 'reset-password') element('again').hidden = false;
    else end('This link is not complete', 'Open the link in the mail again, or copy all of it.');
    return;
  }
  try {
    if (page === 'verify-email') verifyEmail(token);
    else if (page === 'reset-password') resetPassword(token);
    else await acceptInvitation(token);
    element('content').hidden = false;
  } catch (error) {
    if (error instanceof Refused && error.isOfToken) endBadLink(error);
    else end('This does not work now', `${textOf(error)} Then open the link in the mail again.`);
  }
}

await start();
