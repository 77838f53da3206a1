import type { Mail } from './mail.ts';

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

function lasting(minutes: number): string {
  if (minutes % 60 > 0) return `${minutes} minutes`;
  return minutes > 48 * 60 && minutes % 1_440 === 0 ? `${minutes / 1_440} days` : `${minutes / 60} hours`;
}

type Letter = { to: string; subject: string; paragraphs: string[]; action: string; link: string; ending: string };

function letter({ to, subject, paragraphs, action, link, ending }: Letter): Mail {
  const text = [...paragraphs, `${action}:\n${link}`, ending].join('\n\n');
  const html = [
    '<!doctype html>',
    '<html lang="en"><body style="font-family:sans-serif;line-height:1.5;max-width:36em">',
    ...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
    `<p><a href="${escapeHtml(link)}">${escapeHtml(action)}</a></p>`,
    `<p style="color:#555">${escapeHtml(ending)}</p>`,
    '</body></html>',
  ].join('\n');
  return { to, subject, text: `${text}\n`, html };
}

/** What a link in a mail is about: to whom, by which name, and for how many minutes it works. */
export type Linked = { to: string; name: string; link: string; minutes: number };

/** Asks to confirm an email address. */
export function verificationMail({ to, name, link, minutes }: Linked): Mail {
  return letter({
    to,
    subject: 'Confirm your email address',
    paragraphs: [`Hello ${name},`, `somebody, probably you, made a Flowplane account with the address ${to}.`],
    action: 'Confirm the address',
    link,
    ending: `The link works once, for ${lasting(minutes)}. If it was not you, ignore this mail.`,
  });
}

/** Lets somebody choose a new password. */
export function resetMail({ to, name, link, minutes }: Linked): Mail {
  return letter({
    to,
    subject: 'Choose a new password',
    paragraphs: [`Hello ${name},`, `somebody, probably you, asked for a new password of the Flowplane account ${to}.`],
    action: 'Choose a new password',
    link,
    ending: `The link works once, for ${lasting(minutes)}. If it was not you, ignore this mail: nothing has changed.`,
  });
}

/** Names are other people's texts: in a stranger's mail they are one line, and no addresses. */
function quoted(name: string): string {
  return `“${name.replaceAll(/[\p{Cc}/]+/gu, ' ').replaceAll(/\.(?=\S)/g, '. ')}”`;
}

/** Invites somebody to a team, whether they have an account or not. */
export function invitationMail({
  to,
  team,
  inviter,
  role,
  link,
  minutes,
}: Omit<Linked, 'name'> & { team: string; inviter: string; role: string }): Mail {
  return letter({
    to,
    subject: 'You are invited to a team on Flowplane',
    paragraphs: ['Hello,', `${quoted(inviter)} invites ${to} to the team ${quoted(team)} on Flowplane, as ${role}.`],
    action: 'Accept the invitation',
    link,
    ending: `The link works once, for ${lasting(minutes)}, and for this address only. If you do not know the team, ignore this mail.`,
  });
}
