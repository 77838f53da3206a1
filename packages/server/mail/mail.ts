/** A mail, ready to be sent. */
export type Mail = { to: string; subject: string; text: string; html: string };
