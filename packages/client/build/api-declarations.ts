import { fileURLToPath } from 'node:url';
import ts from 'typescript-5';
import { type Printing, printType, printUnion } from './print-type.ts';

const file = fileURLToPath(new URL('../api.ts', import.meta.url));

function exportsOf(program: ts.Program): ts.Symbol[] {
  const source = program.getSourceFile(file);
  const module = source && program.getTypeChecker().getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} was not found`);
  return program.getTypeChecker().getExportsOfModule(module);
}

function docsOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  return `/** ${ts.displayPartsToString(symbol.getDocumentationComment(checker))} */\n`;
}

function aliasOf(type: ts.Type, at: string): string {
  if (!type.aliasSymbol) throw new Error(`${at} has a type without a name`);
  return type.aliasSymbol.name;
}

function printParameters([input, options]: ts.Symbol[], { checker }: Printing, path: string): string {
  if (!input || !options) throw new Error(`${path} is not a call`);
  const optional =
    input.valueDeclaration && ts.isParameter(input.valueDeclaration) && input.valueDeclaration.questionToken;
  const name = aliasOf(checker.getNonNullableType(checker.getTypeOfSymbol(options)), `${path} options`);
  return `input${optional ? '?' : ''}: Inputs${placeOf(path)}, options?: ${name}`;
}

function nameOf(path: string): string {
  return path.replace(/.*\./, '');
}

function placeOf(path: string): string {
  return path.replace(/\w+/g, (name) => `['${name}']`).replaceAll('.', '');
}

function printMethod(type: ts.Type, printing: Printing, { path, summary }: { path: string; summary: string }): string {
  const { checker } = printing;
  const [signature] = type.getCallSignatures();
  const output = signature && checker.getAwaitedType(signature.getReturnType());
  if (!output) throw new Error(`${path} is not a call`);
  const summaryLine = `\n/** ${summary} */\n`;
  if (output.symbol?.name === 'AsyncIterable') {
    return `${summaryLine}${nameOf(path)}(${printParameters(signature.getParameters(), printing, path)}): AsyncIterable<Outputs${placeOf(path)}>;`;
  }
  const answer = output.aliasSymbol?.name === 'ExecutionHandle' ? 'ExecutionHandle' : `Outputs${placeOf(path)}`;
  const call = `(${printParameters(signature.getParameters(), printing, path)})`;
  const name = nameOf(path);
  const all = checker.getPropertyOfType(type, 'all');
  if (!all) return `${summaryLine}${name}${call}: Promise<${answer}>;`;
  return `${summaryLine}${name}: {
    /** ${summary}: one page */
    ${call}: Promise<${answer}>;
    /** ${summary}: every item, page by page as they are taken; \`limit\` is the size of the pages */
    all${call}: AsyncIterable<Outputs${placeOf(path)}['items'][number]>;
  };`;
}

function printCalls(
  type: ts.Type,
  printing: Printing & { summaries: Map<string, string | undefined> },
  prefix: string,
) {
  const { checker, summaries } = printing;
  const members: string[] = checker.getPropertiesOfType(type).map((property) => {
    const path = `${prefix}${property.name}`;
    const member = checker.getTypeOfSymbol(property);
    if (member.getCallSignatures().length === 0)
      return `${property.name}: ${printCalls(member, printing, `${path}.`)};`;
    return printMethod(member, printing, { path, summary: summaries.get(path) ?? path });
  });
  return `{ ${members.join(' ')} }`;
}

/**
 * The types of `api.ts` written out, as declarations that name nothing of the server's. Bundling the declarations instead
 * would carry tRPC's, zod's and the router's types into every user's type-check.
 *
 * @param summaries what each procedure does, by its path; written above its method
 * @throws Error that names the place, when a type of the API cannot be written
 */
export function apiDeclarations(summaries: Map<string, string | undefined>): string {
  const options: ts.CompilerOptions = {
    strict: true,
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: ['node'],
  };
  const program = ts.createProgram([file], options);
  const checker = program.getTypeChecker();
  const printing = { checker, names: new Map<string, string>(), unions: new Map<ts.UnionType, string>(), summaries };
  const symbols = exportsOf(program);
  for (const symbol of symbols) {
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    if (type.isUnion()) printing.unions.set(type, symbol.name);
  }
  const declarations = symbols.map((symbol) => {
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const { name } = symbol;
    if (type.isUnion()) return `${docsOf(symbol, checker)}export type ${name} = ${printUnion(type, printing, name)};`;
    const text = name === 'Client' ? printCalls(type, printing, '') : printType(type, printing, name);
    printing.names.set(text, name);
    return `${docsOf(symbol, checker)}export type ${name} = ${text};`;
  });
  return declarations.join('\n');
}
