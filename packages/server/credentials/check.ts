import { type CredentialKindName, kindOf } from '@flowplane/contract/credential-kinds';
import { type FieldError, Refusal, writePath } from '@flowplane/contract/errors';
import { coversHost, hostOfUrl } from '@flowplane/contract/host-pattern';
import { isReference, mayName, type ReferenceRule } from './references.ts';
import type { Values } from './stored-values.ts';

function refuse(errors: FieldError[]): void {
  const [first] = errors;
  if (first) throw new Refusal('invalid_input', `${first.path}: ${first.message}`, errors);
}

/** Values as their kind wants them. @throws Refusal `invalid_input` naming the fields, without what was in them. */
export function valuesOf(kind: CredentialKindName, values: unknown): Values {
  const parsed = kindOf(kind).values.safeParse(values);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ path: writePath(['values', ...path]), message }));
  refuse(errors.slice(0, 50));
  return {};
}

function hostErrors(kind: CredentialKindName, hosts: readonly string[]): FieldError[] {
  const { isSent } = kindOf(kind);
  if (isSent && hosts.length === 0) {
    return [{ path: 'allowedHosts', message: `must name the hosts that a ${kind} credential may be sent to` }];
  }
  if (isSent || hosts.length === 0) return [];
  return [{ path: 'allowedHosts', message: `must be empty: a ${kind} credential is not sent anywhere` }];
}

/**
 * Checks what the values' schema cannot see: that a kind which is sent is bound to hosts, that URLs among its values are on
 * them, and that secrets which are named instead of given are the operator's to these hosts.
 *
 * @throws Refusal `invalid_input` naming the fields.
 */
export function checkCredential(
  rules: readonly ReferenceRule[],
  { kind, values, allowedHosts }: { kind: CredentialKindName; values: Values; allowedHosts: readonly string[] },
): void {
  const { secret, urls } = kindOf(kind);
  const named = secret.filter((field) => isReference(values[field] ?? ''));
  const elsewhere = urls(values).filter((url) => !coversHost(allowedHosts, hostOfUrl(url) ?? ''));
  refuse([
    ...hostErrors(kind, allowedHosts),
    ...named
      .filter((field) => !mayName(rules, values[field] ?? '', allowedHosts))
      .map((field) => ({
        path: `values.${field}`,
        message: 'names a secret that the operator does not let be sent to these hosts; give the secret itself',
      })),
    ...elsewhere.map((url) => ({
      path: 'allowedHosts',
      message: `must cover ${hostOfUrl(url)}, to which the values themselves are sent`,
    })),
  ]);
}
