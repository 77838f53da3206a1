import { compilers, makeConsumerProject } from '@flowplane/client/build/consumer-project';
import { medianOf } from '../load.ts';
import type { Row } from '../row.ts';

const compiler = '7';
const mostMs = 2_000;
const mostBytes = 25 * 1_024;
const times = 3;

/** A project's own use of the SDK: a call, a page, an error and a followed execution. */
const program = `
import { createClient, FlowplaneError } from '@flowplane/client';
const client = createClient({ url: 'https://flowplane.example.com', token: 'token' });
const { items } = await client.workflows.list({ limit: 10 });
const id = items[0]?.id ?? '';
try {
  const execution = await client.workflows.execute({ id, input: { qty: 7 } });
  const { status, output } = await execution.wait();
  void [status, output];
} catch (error) {
  if (!(error instanceof FlowplaneError)) throw error;
}
`;

function row(what: Pick<Row, 'work' | 'ours' | 'target'>, verdict: string): Row {
  return { ...what, comparedWith: '', ratio: '', verdict };
}

/** What the SDK costs a project that has installed it: time to type-check it, and bytes in the browser. */
export async function sdk(): Promise<Row[]> {
  using project = makeConsumerProject();
  project.write('main.ts', program);
  const checks = Array.from({ length: times }, () => project.typeCheck('main.ts', compiler));
  const wrong = checks.find(({ errors }) => errors !== '')?.errors;
  const ms = medianOf(checks.map(({ milliseconds }) => milliseconds));
  project.write('all.ts', "export * from '@flowplane/client';\n");
  const { gzip } = await project.bundle('all.ts');
  const checked = {
    work: `type-check of a project with the SDK (${compilers[compiler]} ${compiler})`,
    ours: `${Math.round(ms)} ms`,
    target: `≤ ${mostMs / 1_000} s`,
  };
  const bundled = {
    work: 'the whole SDK with what it needs, minified',
    ours: `${(gzip / 1_024).toFixed(1)} KB gzip`,
    target: `≤ ${mostBytes / 1_024} KB`,
  };
  return [
    row(checked, wrong ? `invalid: ${wrong.slice(0, 200)}` : ms <= mostMs ? 'met' : 'not met'),
    row(bundled, gzip <= mostBytes ? 'met' : 'not met'),
  ];
}
