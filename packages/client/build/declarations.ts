import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import ts from 'typescript-5';
import { apiDeclarations } from './api-declarations.ts';
import { queriesDeclaration } from './queries-declaration.ts';
import type { RouterProcedure } from './router-procedures.ts';

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
}

/** What an entry exports, by the file that it is declared in. */
function exportsByFile(entry: string): Map<string, Set<string>> {
  const source = ts.createSourceFile(entry, read(entry), ts.ScriptTarget.Latest, true);
  const found = new Map<string, Set<string>>();
  for (const { moduleSpecifier, exportClause } of source.statements.filter(ts.isExportDeclaration)) {
    if (!moduleSpecifier || !ts.isStringLiteral(moduleSpecifier)) throw new Error(`${entry} declares something itself`);
    if (!exportClause || !ts.isNamedExports(exportClause)) throw new Error(`${entry} exports something without a name`);
    const names = exportClause.elements.map(({ name }) => name.text);
    found.set(join(dirname(entry), moduleSpecifier.text), new Set(names));
  }
  return found;
}

function nameOf(statement: ts.Statement): string | undefined {
  const named =
    ts.isTypeAliasDeclaration(statement) || ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement);
  return named ? statement.name?.text : undefined;
}

/** The declarations of some names, and of what those name that the file keeps to itself. */
function only(names: Set<string>, text: string): string {
  const source = ts.createSourceFile('x.d.ts', text, ts.ScriptTarget.Latest, true);
  const own = new Map(source.statements.map((statement) => [nameOf(statement) ?? '', statement]));
  const kept = new Set<ts.Statement>();
  function keep(name: string): void {
    const statement = own.get(name);
    if (!statement || kept.has(statement)) return;
    kept.add(statement);
    for (const word of statement.getText().match(/\w+/g) ?? []) keep(word);
  }
  for (const name of names) keep(name);
  return source.statements
    .filter((statement) => kept.has(statement))
    .map((statement) => statement.getFullText())
    .join('');
}

function declarationsOf([file, names]: [string, Set<string>]): string {
  const text = read(file);
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(text, { compilerOptions: {}, fileName: file });
  const [problem] = diagnostics;
  if (problem) throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`);
  return only(names, outputText);
}

function printed(text: string): string {
  return ts.createPrinter().printFile(ts.createSourceFile('x.d.ts', text, ts.ScriptTarget.Latest, true));
}

/** The text of `index.d.ts`, which imports nothing. */
export function declarations(procedures: Map<string, RouterProcedure>): string {
  const summaries = new Map([...procedures].map(([path, { summary }]) => [path, summary]));
  const files = [...exportsByFile('index.ts')].filter(([file]) => file !== 'api.ts');
  return printed([apiDeclarations(summaries), ...files.map(declarationsOf)].join('\n'));
}

/** The text of `react.d.ts`, which imports types of the main entry and of TanStack Query. */
export function reactDeclarations(procedures: Map<string, RouterProcedure>): string {
  const files = [...exportsByFile('react/index.ts')].filter(([file]) => file !== 'react/api.ts');
  const text = [queriesDeclaration(procedures), ...files.map(declarationsOf)].join('\n');
  const main = [...exportsByFile('index.ts').values()].flatMap((names) => [...names]);
  const used = (names: string[]) => names.filter((name) => new RegExp(`\\b${name}\\b`).test(text)).join(', ');
  return printed(`import type { ${used(['DataTag', 'InfiniteData', 'SkipToken'])} } from '@tanstack/react-query';
import type { ${used(main)} } from './index.js';
${text}
export {};`);
}
