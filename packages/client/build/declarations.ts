import { readFileSync } from 'node:fs';
import ts from 'typescript-5';
import { apiDeclarations } from './api-declarations.ts';

const files = ['call-options.ts', 'error.ts', 'client.ts'];

function withoutImports(text: string): string {
  const source = ts.createSourceFile('x.d.ts', text, ts.ScriptTarget.Latest, true);
  const kept = source.statements.filter((statement) => !ts.isImportDeclaration(statement));
  return kept.map((statement) => statement.getFullText()).join('');
}

function declarationsOf(file: string): string {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(text, { compilerOptions: {}, fileName: file });
  const [problem] = diagnostics;
  if (problem) throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`);
  return withoutImports(outputText);
}

/** The text of the one declaration file of the package, which imports nothing. */
export function declarations(summaries: Map<string, string | undefined>): string {
  const text = [apiDeclarations(summaries), ...files.map(declarationsOf)].join('\n');
  const source = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest, true);
  return ts.createPrinter().printFile(source);
}
