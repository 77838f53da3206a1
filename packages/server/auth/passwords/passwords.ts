import { hash, verify } from '@node-rs/argon2';
import { newSecret } from '../secrets.ts';
import { createGate, type Gate } from './gate.ts';

/** What hashing needs: its turn, and a hash of nobody's password. */
export type Passwords = { gate: Gate; nobodysHash: string };

// argon2id, the library's default, with the parameters of the OWASP Password Storage Cheat Sheet: memory in KiB.
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Two spellings of one password in Unicode are one password (NIST SP 800-63B, 3.1.1.2). */
function normal(password: string): string {
  return password.normalize('NFKC');
}

/** Prepares password hashing. Once per process: the bound only holds for what shares the result. */
export async function createPasswords(): Promise<Passwords> {
  // Half of libuv's four threads, so that files, DNS and token signatures go on during a flood of logins. 100 wait ≈ 1 s.
  const gate = createGate({ atOnce: 2, waiting: 100 });
  return { gate, nobodysHash: await hash(newSecret(), parameters) };
}

/**
 * The argon2id hash of a password, in PHC string format.
 *
 * @throws Refusal `unavailable` when too many wait.
 */
export function hashPassword({ gate }: Passwords, password: string): Promise<string> {
  return gate(() => hash(normal(password), parameters));
}

/**
 * Whether a password is the one of the hash. Without a hash (nobody has that email, or no password) the answer is no, after the same work.
 *
 * @throws Refusal `unavailable` when too many wait.
 */
export async function verifyPassword(
  { gate, nobodysHash }: Passwords,
  hashed: string | null | undefined,
  password: string,
): Promise<boolean> {
  const right = await gate(() => verify(hashed ?? nobodysHash, normal(password)));
  return right && typeof hashed === 'string';
}
