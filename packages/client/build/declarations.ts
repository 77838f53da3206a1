import { readFileSync } from 'node:fs';
import ts from 'typescript-5';
import { apiDeclarations } from './api-declarations.ts';

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
}

/** What `index.ts` exports, by the file that it is declared in. */
function exportsByFile(): Map<string, Set<string>> {
  const source = ts.createSourceFile('index.ts', read('index.ts'), ts.ScriptTarget.Latest, true);
  const found = new Map<string, Set<string>>();
  for (const { moduleSpecifier, exportClause } of source.statements.filter(ts.isExportDeclaration)) {
    if (!moduleSpecifier || !ts.isStringLiteral(moduleSpecifier)) throw new Error('index.ts declares something itself');
    if (!exportClause || !ts.isNamedExports(exportClause)) throw new Error('index.ts exports something without a name');
    const names = exportClause.elements.map(({ name }) => name.text);
    found.set(moduleSpecifier.text.replace('./', ''), new Set(names));
  }
  return found;
}

function nameOf(statement: ts.Statement): string | undefined {
  const named =
    ts.isTypeAliasDeclaration(statement) || ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement);
  return named ? statement.name?.text : undefined;
}

function only(names: Set<string>, text: string): string {
  const source = ts.createSourceFile('x.d.ts', text, ts.ScriptTarget.Latest, true);
  const kept = source.statements.filter((statement) => names.has(nameOf(statement) ?? ''));
  return kept.map((statement) => statement.getFullText()).join('');
}

function declarationsOf([file, names]: [string, Set<string>]): string {
  const text = read(file);
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(text, { compilerOptions: {}, fileName: file });
  const [problem] = diagnostics;
  if (problem) throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`);
  return only(names, outputText);
}

/** The text of the one declaration file of the package, which imports nothing. */
export function declarations(summaries: Map<string, string | undefined>): string {
  const files = [...exportsByFile()].filter(([file]) => file !== 'api.ts');
  const text = [apiDeclarations(summaries), ...files.map(declarationsOf)].join('\n');
  const source = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest, true);
  return ts.createPrinter().printFile(source);
}
