import ts from 'typescript-5';

/** What a printer needs: the checker, and the named types that stand for their texts and unions. */
export type Printing = {
  checker: ts.TypeChecker;
  /** The name to write instead of a text. */
  names: Map<string, string>;
  /** Unions that are written by name wherever all their members occur; the only types that may be recursive. */
  unions: Map<ts.UnionType, string>;
};

const keywords = new Map<ts.TypeFlags, string>([
  [ts.TypeFlags.Unknown, 'unknown'],
  [ts.TypeFlags.Never, 'never'],
  [ts.TypeFlags.Void, 'void'],
  [ts.TypeFlags.Undefined, 'undefined'],
  [ts.TypeFlags.Null, 'null'],
  [ts.TypeFlags.String, 'string'],
  [ts.TypeFlags.Number, 'number'],
]);

/** A union written by its members, also when it has a name. */
export function printUnion(type: ts.UnionType, printing: Printing, at: string): string {
  let members = type.types;
  const texts: string[] = [];
  for (const [union, name] of printing.unions) {
    if (union === type || !union.types.every((member) => members.includes(member))) continue;
    texts.push(name);
    members = members.filter((member) => !union.types.includes(member));
  }
  const booleans = members.filter((member) => member.flags & ts.TypeFlags.BooleanLiteral);
  if (booleans.length === 2) {
    texts.push('boolean');
    members = members.filter((member) => !booleans.includes(member));
  }
  texts.push(...members.map((member) => printType(member, printing, at)));
  // The compiler orders a union by when its members were first seen; the end is where people look for what may be absent.
  const last = (text: string) => Number(text === 'null') + 2 * Number(text === 'undefined');
  return texts.sort((a, b) => last(a) - last(b)).join(' | ');
}

function printProperty(property: ts.Symbol, printing: Printing, at: string): string {
  const name = /^[A-Za-z_$][\w$]*$/.test(property.name) ? property.name : JSON.stringify(property.name);
  const optional = property.flags & ts.SymbolFlags.Optional ? '?' : '';
  const type = printing.checker.getTypeOfSymbol(property);
  return `${name}${optional}: ${printType(type, printing, `${at}.${property.name}`)};`;
}

function printObject(type: ts.Type, printing: Printing, at: string): string {
  const { checker } = printing;
  if (type.getCallSignatures().length > 0) throw new Error(`${at} is a function, which has no wire form`);
  const indexes = checker
    .getIndexInfosOfType(type)
    .map((info) => `[key: ${checker.typeToString(info.keyType)}]: ${printType(info.type, printing, `${at}[]`)};`);
  const properties = checker.getPropertiesOfType(type).map((property) => printProperty(property, printing, at));
  const text = `{ ${[...indexes, ...properties].join(' ')} }`;
  return printing.names.get(text) ?? text;
}

/**
 * A type written out to its last member, so that it names nothing but `Date`, `Array` and the given names.
 *
 * @throws Error that names the place, for `any`, functions, and whatever else has no form on the wire.
 */
export function printType(type: ts.Type, printing: Printing, at: string): string {
  const { checker, unions } = printing;
  const keyword = keywords.get(type.flags);
  if (keyword) return keyword;
  if (type.flags & ts.TypeFlags.Any) throw new Error(`${at} is any: its schema or the code behind it does not compile`);
  if (at.split(/[.[]/).length > 30) throw new Error(`${at} is recursive: name it in api.ts, as Json is`);
  if (type.isUnion()) return unions.get(type) ?? printUnion(type, printing, at);
  if (type.isLiteral() || type.flags & (ts.TypeFlags.BooleanLiteral | ts.TypeFlags.TemplateLiteral)) {
    return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation);
  }
  if (checker.isTupleType(type)) throw new Error(`${at} is a tuple, which is not supported yet: use an object`);
  if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type as ts.TypeReference);
    if (!item) throw new Error(`${at} is an array of nothing`);
    const text = printType(item, printing, `${at}[]`);
    return text.includes('|') ? `Array<${text}>` : `${text}[]`;
  }
  if (type.symbol?.name === 'Date') return 'Date';
  if (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return printObject(type, printing, at);
  throw new Error(`${at} is ${checker.typeToString(type)}, which has no wire form`);
}
