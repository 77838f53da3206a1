import { bail } from './signals.ts';
import type { Value } from './value.ts';

/** An argument that must be a string; conversions of others are the sandbox's. */
export function stringArgument(value: Value): string {
  return typeof value === 'string' ? value : bail();
}

/** An argument that is a number or left out. */
export function optionalNumber(value: Value): number | undefined {
  return value === undefined || typeof value === 'number' ? value : bail();
}

/** An argument that is a whole number from 0 to `max`. */
export function count(value: Value, max: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max ? value : bail();
}
