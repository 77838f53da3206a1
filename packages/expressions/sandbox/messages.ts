/** QuickJS's words for common mistakes, in the words people know from V8 and can search for. */
const REWRITES: readonly (readonly [RegExp, string])[] = [
  [/^cannot read property '(.*)' of (undefined|null)$/s, "Cannot read properties of $2 (reading '$1')"],
  [/^cannot read property of (undefined|null)$/, 'Cannot read properties of $1'],
  [/^cannot set property '(.*)' of (undefined|null)$/s, "Cannot set properties of $2 (setting '$1')"],
  [/^'(.*)' is not defined$/s, '$1 is not defined'],
  [/^stack overflow$/, 'Maximum call stack size exceeded'],
  [/^out of memory$/, 'It took too much memory'],
];

/** The message for the user, with the line of the code body where that is known. */
export function explain(message: string, stack: string | undefined): string {
  let text = message;
  for (const [pattern, replacement] of REWRITES) text = text.replace(pattern, replacement);
  // The code body starts on the second line of what is evaluated.
  const line = Number(/\(<input>:(\d+)(?::\d+)?\)/.exec(stack ?? '')?.[1]) - 1;
  return line >= 1 ? `${text} (line ${line})` : text;
}
