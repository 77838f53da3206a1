/** The expression threw as JavaScript would have: the message is for the user. */
export class Failure extends Error {}

/** The fast lane cannot do this exactly, or not cheaply: the sandbox shall. */
export class Bail extends Error {}

// One instance: it is a signal, and a fresh stack trace would cost more than the expression.
const BAIL = new Bail('left to the sandbox');

/** Gives the expression to the sandbox. */
export function bail(): never {
  throw BAIL;
}

/** The syntax is outside the fast lane's subset; found while compiling. */
export class Unsupported extends Error {}

const UNSUPPORTED = new Unsupported('outside the subset');

export function unsupported(): never {
  throw UNSUPPORTED;
}

/** V8's words for reading a property of nothing. */
export function cannotRead(target: null | undefined, key: string): never {
  throw new Failure(`Cannot read properties of ${target} (reading '${key}')`);
}
