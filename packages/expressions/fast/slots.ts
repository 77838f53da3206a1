/** The parameters in sight and the slots that hold them; `used.count` slots are needed in all. */
export type Names = { slots: ReadonlyMap<string, number>; used: { count: number } };

export function slotOf(names: Names, name: string): number | undefined {
  return names.slots.get(name);
}

/**
 * Gives each parameter a slot of its own. Slots are not a stack: an arrow function is only ever called by the method it is an
 * argument of, so it cannot be entered twice at a time.
 */
export function withParameters(names: Names, parameters: readonly string[]): { names: Names; slots: number[] } {
  const slots = parameters.map(() => names.used.count++);
  const own = parameters.map((name, place) => [name, slots[place] ?? 0] as const);
  return { names: { slots: new Map([...names.slots, ...own]), used: names.used }, slots };
}
