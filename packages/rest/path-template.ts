const parameter = /\{(\w+)\}/g;

/** The parameters of a path template: `/teams/{teamId}/members/{id}` → `teamId`, `id`. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(parameter)].map((match) => match[1] ?? '');
}

/**
 * A path template in the words of Fastify's router.
 *
 * @throws Error for characters that its router would read as something else.
 */
export function toFastifyPath(path: string): string {
  const literal = path.replaceAll(parameter, '');
  if (!path.startsWith('/') || /[:*?{}]/.test(literal)) throw new Error(`Not a path template: ${path}`);
  return path.replaceAll(parameter, ':$1');
}

/** The template without its parameters' names: two paths of one shape match the same requests. */
export function pathShape(path: string): string {
  return path.replaceAll(parameter, '{}');
}

/** The template with its parameters filled in and escaped; undefined when a value is missing or not a string or number. */
export function fillPath(path: string, fieldOf: (name: string) => unknown): string | undefined {
  let complete = true;
  const filled = path.replaceAll(parameter, (_, name: string) => {
    const value = fieldOf(name);
    if (typeof value !== 'string' && typeof value !== 'number') complete = false;
    return encodeURIComponent(String(value));
  });
  return complete ? filled : undefined;
}
