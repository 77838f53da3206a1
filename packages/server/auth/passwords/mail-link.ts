/** The pages that mails lead to. */
export type MailPage = 'verify-email' | 'reset-password' | 'accept-invitation';

/**
 * The address of a page to which a mailed token is brought. Behind `#`, where it is in no log and no `Referer`.
 *
 * @param issuer the instance's public address.
 */
export function mailLink(issuer: string, page: MailPage, token: string): string {
  return `${issuer.replace(/\/+$/, '')}/${page}#token=${token}`;
}
