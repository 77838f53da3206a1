import { count } from './arguments.ts';
import { bail } from './signals.ts';
import type { Value } from './value.ts';

type NumberMethod = (self: number, args: readonly Value[]) => Value;

export const NUMBER_METHODS: ReadonlyMap<string, NumberMethod> = new Map<string, NumberMethod>([
  ['toFixed', (self, [digits]) => self.toFixed(digits === undefined ? 0 : count(digits, 100))],
  ['toString', (self, args) => (args.length === 0 ? String(self) : bail())],
]);
