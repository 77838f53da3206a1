function inside(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

/**
 * Whether an answer of tRPC's, single or of a batch, says that the caller is not known. By the code of its problem, not by the
 * status of HTTP: a batch has one status for all, and 401 is also what a wrong password gets.
 */
export function isRefused(answer: unknown): boolean {
  const answers: unknown[] = Array.isArray(answer) ? answer : [answer];
  return answers.some(
    (each) => ['error', 'json', 'data', 'problem', 'code'].reduce(inside, each) === 'unauthenticated',
  );
}
