import { bail, cannotRead } from './signals.ts';
import { isArray, isPrimitive, type Value } from './value.ts';

/** Never reachable in the fast lane, not even as own properties. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

const OBJECT_NAMES = new Set(Object.getOwnPropertyNames(Object.prototype));
const ARRAY_NAMES = new Set([...OBJECT_NAMES, ...Object.getOwnPropertyNames(Array.prototype)]);
const STRING_NAMES = new Set([...OBJECT_NAMES, ...Object.getOwnPropertyNames(String.prototype)]);
const NUMBER_NAMES = new Set([...OBJECT_NAMES, ...Object.getOwnPropertyNames(Number.prototype)]);

/** The names that JavaScript would find on the prototypes of a value. */
export function inheritedNames(value: Value): ReadonlySet<string> {
  if (typeof value === 'string') return STRING_NAMES;
  if (typeof value === 'number') return NUMBER_NAMES;
  return isArray(value) ? ARRAY_NAMES : OBJECT_NAMES;
}

/** Reads an own property of JSON data; inherited ones are the sandbox's. */
export function readProperty(target: Value, key: string): Value {
  if (target === null || target === undefined) return cannotRead(target, key);
  if (FORBIDDEN.has(key)) return bail();
  if (typeof target === 'object') {
    if (Object.hasOwn(target, key)) return Reflect.get(target, key);
  } else if (typeof target === 'string') {
    if (key === 'length') return target.length;
    if (/^(0|[1-9]\d{0,8})$/.test(key)) return target[Number(key)];
  }
  return inheritedNames(target).has(key) ? bail() : undefined;
}

/** Reads `target[key]`. */
export function readComputed(target: Value, key: Value): Value {
  if (typeof key === 'number' && Number.isInteger(key) && key >= 0) {
    if (isArray(target)) return target[key];
    if (typeof target === 'string') return target[key];
  }
  if (!isPrimitive(key)) return bail();
  return readProperty(target, String(key));
}

/** `key in target`. */
export function hasProperty(target: Value, key: Value): boolean {
  if (isPrimitive(target) || !isPrimitive(key)) return bail();
  const name = String(key);
  if (FORBIDDEN.has(name)) return bail();
  return Object.hasOwn(target, name) || (inheritedNames(target).has(name) ? bail() : false);
}

/** Defines an own property of an object the fast lane made. */
export function define(target: { [key: string]: Value }, key: string, value: Value): void {
  if (FORBIDDEN.has(key)) bail();
  target[key] = value;
}
