import type { credentialTestInput, credentialTestResult } from '@flowplane/contract/credential';
import { EgressError } from '@flowplane/egress/errors';
import type { z } from 'zod';
import { useCredential } from './use.ts';
import type { Vault } from './vault.ts';

const timeoutMs = 15_000;

function withQuery(url: string, query: Record<string, string>): string {
  const whole = new URL(url);
  for (const [name, value] of Object.entries(query)) whole.searchParams.append(name, value);
  return whole.href;
}

/**
 * Sends a request with a credential and says how it went, never what came back. Redirects are not followed.
 *
 * @throws Refusal like `useCredential`.
 */
export async function tryCredential(
  vault: Vault,
  teamId: string,
  { id, url, method }: z.output<typeof credentialTestInput>,
): Promise<z.output<typeof credentialTestResult>> {
  const { headers, query } = await useCredential(vault, { teamId, id, url });
  try {
    const { status } = await vault.fetch(withQuery(url, query), { method, headers, timeoutMs, maxRedirects: 0 });
    return { ok: status < 400, status, message: null };
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    return { ok: false, status: null, message: error.message };
  }
}
