import type { Json } from './json.ts';
import type { Shape } from './template.ts';

/** Puts the values of a template's expressions (by number) into its shape. */
export function render(shape: Shape, values: readonly Json[]): Json {
  switch (shape.kind) {
    case 'constant':
      return shape.value;
    case 'expression':
      return values[shape.index] ?? null;
    case 'text': {
      let text = '';
      for (const part of shape.parts) text += typeof part === 'string' ? part : interpolated(values[part] ?? null);
      return text;
    }
    case 'array':
      return shape.items.map((item) => render(item, values));
    case 'object': {
      const result: { [key: string]: Json } = {};
      for (const [key, item] of shape.entries) setOwn(result, key, render(item, values));
      return result;
    }
  }
}

function interpolated(value: Json): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Plain assignment to `__proto__` would set the prototype. */
function setOwn(target: { [key: string]: Json }, key: string, value: Json): void {
  if (key !== '__proto__') target[key] = value;
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
