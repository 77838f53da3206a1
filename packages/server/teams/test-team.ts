import { appRouter } from '../api.ts';
import type { Auth } from '../auth/auth.ts';
import { inNamedTeam } from '../auth/chosen-team.ts';
import type { Context } from '../context.ts';
import type { Mail } from '../mail/mail.ts';
import { createMailer } from '../mail/mailer.ts';
import type { testApi } from '../test-api.ts';
import { noteAnswer } from '../test-declared-errors.ts';

type Api = Awaited<ReturnType<typeof testApi>>;
export type Person = Awaited<ReturnType<Api['member']>>;

/** Collects what is mailed; `tokenFor` waits for as many mails to an address, and answers with the token of the last one. */
export function collectMails(auth: Auth) {
  const mails: Mail[] = [];
  auth.mailer = createMailer({
    db: auth.database.db,
    deliver: async (mail) => void mails.push(mail),
    onLost: (error) => {
      throw error;
    },
  });
  async function tokenFor(email: string, count = 1): Promise<string> {
    const until = performance.now() + 10_000;
    for (;;) {
      const sent = mails.filter(({ to, text }) => to === email && text.includes('/accept-invitation#'));
      const token = /#token=([\w-]+)/.exec(sent[count - 1]?.text ?? '')?.[1];
      if (token) return token;
      if (performance.now() > until) throw new Error(`no mail to ${email}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { mails, tokenFor };
}

/** Calls procedures in a context. */
export function callIn(context: Context) {
  return appRouter.createCaller(context, { onError: ({ error, path }) => noteAnswer(path, error) });
}

/** Calls procedures as a person who has chosen a team of theirs. */
export async function inTeam(auth: Auth, { as, principal }: Person, teamId: string) {
  return callIn(as(await inNamedTeam(auth, principal, teamId)));
}

export async function emailOf({ api }: Person): Promise<string> {
  return (await api.users.me()).user.email ?? '';
}

/** A person who was invited by `admin` to a team, and accepted. */
export async function joined(
  { api, tokenFor }: { api: Api; tokenFor: (email: string) => Promise<string> },
  admin: Person,
  { id, role = 'user' }: { id: string; role?: string },
): Promise<Person & { userId: string; email: string }> {
  const person = await api.member();
  const email = await emailOf(person);
  await admin.api.teams.invitations.create({ id, email, role });
  await person.api.invitations.accept({ token: await tokenFor(email) });
  return { ...person, userId: person.principal.userId, email };
}
