import { count, optionalNumber, stringArgument } from './arguments.ts';
import { spend, spendChars } from './fuel.ts';
import { strictlyEqual } from './operators.ts';
import { bail } from './signals.ts';
import { isArray, isPrimitive, type Primitive, text, type Value } from './value.ts';

type ArrayMethod = (self: readonly Value[], args: readonly Value[]) => Value;

const METHODS: Record<string, ArrayMethod> = {
  at: (self, [index]) => self.at(optionalNumber(index) ?? 0),
  slice: (self, [from, to]) => self.slice(optionalNumber(from), optionalNumber(to)),
  includes: (self, args) => {
    const wanted = only(args);
    return Number.isNaN(wanted) ? self.some(Number.isNaN) : self.some((item) => same(item, wanted));
  },
  indexOf: (self, args) => {
    const wanted = only(args);
    return self.findIndex((item) => same(item, wanted));
  },
  join: (self, args) => {
    const separator = args.length === 0 || args[0] === undefined ? ',' : stringArgument(args[0]);
    spendChars(self.length * separator.length);
    let result = '';
    for (const [place, item] of self.entries()) {
      if (place > 0) result += separator;
      if (item !== null && item !== undefined) result += text(item);
      if (result.length > 1024) spendChars(64);
    }
    spendChars(result.length);
    return result;
  },
  concat: (self, args) => {
    const parts = args.flatMap((part) => (isArray(part) ? part : [part]));
    spend(parts.length);
    return [...self, ...parts];
  },
  flat: (self, [depth]) => flat(self, depth === undefined ? 1 : count(depth, 5)),
  toReversed: (self) => self.toReversed(),
};

/** Methods that change nothing; those that would (`sort`, `push`) work on the sandbox's copy. */
export const ARRAY_METHODS: ReadonlyMap<string, ArrayMethod> = new Map<string, ArrayMethod>(
  Object.entries(METHODS).map(([name, method]): [string, ArrayMethod] => [
    name,
    (self, args) => {
      spend(self.length);
      return method(self, args);
    },
  ]),
);

function only(args: readonly Value[]): Primitive {
  const [wanted] = args;
  return args.length === 1 && isPrimitive(wanted) ? wanted : bail();
}

function same(item: Value, wanted: Primitive): boolean {
  return typeof item === typeof wanted && strictlyEqual(item, wanted);
}

function flat(list: readonly Value[], depth: number): Value[] {
  const result: Value[] = [];
  for (const item of list) {
    if (!isArray(item) || depth === 0) result.push(item);
    else for (const inner of flat(item, depth - 1)) result.push(inner);
  }
  spend(result.length);
  return result;
}
