/** How a procedure's meta says that it is audited, where that is not derived from its name and ids; `false`: it is not. */
export type AuditRule = false | { resource?: string; id?: string };

/** What was acted on. */
export type Resource = { type: string | null; id: string | null };

function textOf(value: unknown, field: string): string | null {
  const found: unknown =
    value && typeof value === 'object' && Object.hasOwn(value, field) ? Reflect.get(value, field) : null;
  return typeof found === 'string' ? found : null;
}

/**
 * What a call acted on: of the type that the router's name says (`auth.apiKeys.create` → `apiKey`), with the id that the input or
 * else the output has. A user without an id is the caller.
 */
export function resourceOf(
  { action, rule, userId }: { action: string; rule: AuditRule | undefined; userId: string | null },
  input: unknown,
  output?: unknown,
): Resource {
  const { resource, id = 'id' } = rule || {};
  const type = resource ?? action.split('.').at(-2)?.replace(/s$/, '') ?? null;
  const own = type === 'user' ? userId : null;
  return { type, id: textOf(input, id) ?? textOf(output, id) ?? own };
}

/** The names of the fields that an input has, without the id. */
export function fieldsOf(input: unknown): string[] {
  if (!input || typeof input !== 'object' || Array.isArray(input)) return [];
  const given = Object.entries(input).filter(([name, value]) => name !== 'id' && value !== undefined);
  return given.slice(0, 50).map(([name]) => name.slice(0, 64));
}
