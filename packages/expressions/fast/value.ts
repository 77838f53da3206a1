import type { Scope } from '../scope.ts';
import { bail } from './signals.ts';

/** What the fast lane computes with: JSON data and undefined, never a function or a host object. */
export type Value = Primitive | readonly Value[] | { readonly [key: string]: Value };
export type Primitive = undefined | null | boolean | number | string;
export type Callback = (item: Value, index: Value, whole: Value, extra: Value) => Value;

/** A compiled piece of syntax. `locals` holds the parameters of the arrow functions around it, by slot. */
export type Run = (scope: Scope, locals: Value[]) => Value;

export function isPrimitive(value: Value): value is Primitive {
  return typeof value !== 'object' || value === null;
}

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** The value, if converting it cannot call a method of an object. */
export function primitive(value: Value): Primitive {
  return isPrimitive(value) ? value : bail();
}

/** `String(value)` for primitives. */
export function text(value: Value): string {
  return String(primitive(value));
}

/** `Number(value)` for primitives. */
export function numeric(value: Value): number {
  return Number(primitive(value));
}
