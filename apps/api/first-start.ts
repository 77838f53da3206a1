import { randomBytes } from 'node:crypto';
import { createClient } from '@flowplane/client';
import { registerInput } from '@flowplane/contract/auth';
import { Refusal } from '@flowplane/contract/errors';
import type { Db } from '@flowplane/db/database';
import { register } from '@flowplane/server/auth/accounts';
import type { Auth } from '@flowplane/server/auth/auth';
import { markVerified } from '@flowplane/server/auth/passwords/verify-email';
import { sampleInput, sampleWorkflow } from './sample-workflow.ts';

export type Owner = { email: string; password: string; generated: boolean };

/** Creates the owner of an instance that has no accounts. @returns undefined when it has some. */
export async function createOwner(
  { db, auth }: { db: Db; auth: Auth },
  { email, password }: { email: string; password: string | undefined },
): Promise<Owner | undefined> {
  const some = await db.selectFrom('users').select('id').limit(1).executeTakeFirst();
  if (some) return undefined;
  const owner = {
    email,
    password: password ?? randomBytes(15).toString('base64url'),
    generated: password === undefined,
  };
  const input = registerInput.parse({ email, password: owner.password, name: 'Owner' });
  try {
    const { signedIn } = await register(auth, input, { ip: '127.0.0.1', userAgent: 'first start' });
    // The operator chose the address, so nobody need prove it.
    await markVerified(db, { id: signedIn.user.id, email: input.email });
    return owner;
  } catch (error) {
    // Another process that started at the same moment was quicker.
    if (error instanceof Refusal && error.code === 'email_taken') return undefined;
    throw error;
  }
}

/** Creates, publishes and runs the sample workflow through the SDK, as any client would. */
export async function runSample(url: string, owner: Owner): Promise<{ slug: string; output: unknown }> {
  const { accessToken, team } = await createClient({ url }).auth.login({
    email: owner.email,
    password: owner.password,
  });
  const client = createClient({ url, token: accessToken });
  const { id } = await client.workflows.create(sampleWorkflow);
  await client.workflows.publish({ id });
  const execution = await client.workflows.execute({ id, input: sampleInput, wait: 30 });
  if (execution.status !== 'completed') {
    throw new Error(
      `the sample workflow ended as ${execution.status}: ${execution.error?.message ?? 'no reason given'}`,
    );
  }
  return { slug: team.slug, output: execution.output };
}
