import { MAX_RESULT_CHARS } from '../limits.ts';
import { count, optionalNumber, stringArgument } from './arguments.ts';
import { spend, spendChars } from './fuel.ts';
import { bail } from './signals.ts';
import { text, type Value } from './value.ts';

type StringMethod = (self: string, args: readonly Value[]) => Value;

const METHODS: Record<string, StringMethod> = {
  toUpperCase: (self) => self.toUpperCase(),
  toLowerCase: (self) => self.toLowerCase(),
  trim: (self) => self.trim(),
  trimStart: (self) => self.trimStart(),
  trimEnd: (self) => self.trimEnd(),
  toString: (self: string) => self,
  slice: (self, [from, to]) => self.slice(optionalNumber(from), optionalNumber(to)),
  substring: (self, [from, to]) => self.substring(optionalNumber(from) ?? 0, optionalNumber(to)),
  at: (self, [index]) => self.at(optionalNumber(index) ?? 0),
  charAt: (self, [index]) => self.charAt(optionalNumber(index) ?? 0),
  charCodeAt: (self, [index]) => self.charCodeAt(optionalNumber(index) ?? 0),
  codePointAt: (self, [index]) => self.codePointAt(optionalNumber(index) ?? 0),
  includes: (self, [part, from]) => self.includes(stringArgument(part), optionalNumber(from)),
  startsWith: (self, [part, from]) => self.startsWith(stringArgument(part), optionalNumber(from)),
  endsWith: (self, [part, to]) => self.endsWith(stringArgument(part), optionalNumber(to)),
  indexOf: (self, [part, from]) => self.indexOf(stringArgument(part), optionalNumber(from)),
  lastIndexOf: (self, args) => (args.length === 1 ? self.lastIndexOf(stringArgument(args[0])) : bail()),
  concat: (self, args) => args.reduce((sum: string, part) => grown(sum + text(part)), self),
  split,
  repeat: (self, [times]) => sized(self, count(times, MAX_RESULT_CHARS), (n) => self.repeat(n)),
  padStart: (self, [length, fill]) => pad(length, fill, (n, filler) => self.padStart(n, filler)),
  padEnd: (self, [length, fill]) => pad(length, fill, (n, filler) => self.padEnd(n, filler)),
  replace: (self, [from, to]) => {
    const replacement = plainReplacement(to);
    return grown(self.replace(stringArgument(from), replacement));
  },
  replaceAll: (self, [from, to]) => {
    const replacement = plainReplacement(to);
    const pattern = stringArgument(from);
    const hits = self.length / Math.max(pattern.length, 1) + 1;
    if (hits * replacement.length > MAX_RESULT_CHARS) return bail();
    return grown(self.replaceAll(pattern, replacement));
  },
};

/** Methods of strings without regular expressions: those could take exponential time. */
export const STRING_METHODS: ReadonlyMap<string, StringMethod> = new Map<string, StringMethod>(
  Object.entries(METHODS).map(([name, method]): [string, StringMethod] => [
    name,
    (self: string, args: readonly Value[]) => {
      spendChars(self.length);
      return method(self, args);
    },
  ]),
);

function grown(result: string): string {
  spendChars(result.length);
  return result;
}

function sized(self: string, times: number, make: (times: number) => string): string {
  spendChars(self.length * times);
  return make(times);
}

function pad(length: Value, fill: Value, make: (length: number, fill: string) => string): string {
  const size = count(length, MAX_RESULT_CHARS);
  spendChars(size);
  return make(size, fill === undefined ? ' ' : stringArgument(fill));
}

function split(self: string, [separator, limit]: readonly Value[]): Value {
  if (limit !== undefined) return bail();
  const by = stringArgument(separator);
  if (by === '') spend(self.length);
  const parts = self.split(by);
  spend(parts.length);
  return parts;
}

/** `$` has a meaning in replacements, and `$'` can make the result quadratic. */
function plainReplacement(value: Value): string {
  const replacement = stringArgument(value);
  return replacement.includes('$') ? bail() : replacement;
}
