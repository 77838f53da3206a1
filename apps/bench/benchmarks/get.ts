import { compare } from '../compare.ts';
import type { Load } from '../load.ts';
import { type Row, rowOf } from '../row.ts';
import type { Setting } from '../setting.ts';

const connections = 32;
const measure = 'perSecond';
const bare = 'bare node:http + pg';

/** A GET whose right answer is the one that it gets now. @throws Error when that is not 200. */
async function getOf(url: string, headers: Record<string, string>): Promise<Load> {
  const response = await fetch(url, { headers });
  const answer = await response.text();
  if (response.status !== 200) throw new Error(`GET ${url} answered ${response.status}: ${answer}`);
  return { url, method: 'GET', headers, answer };
}

function signedIn({ accessToken }: Setting): Record<string, string> {
  return { authorization: `Bearer ${accessToken}` };
}

function trpcUrl(url: string, { workflowId }: Setting): string {
  return `${url}/trpc/workflows.get?input=${encodeURIComponent(JSON.stringify({ json: { id: workflowId } }))}`;
}

async function againstBare(setting: Setting, face: 'trpc' | 'rest', ours: Load): Promise<Row> {
  const baseline = await setting.baseline('bare-get', [setting.cluster.ours]);
  const other = { ...ours, url: `${baseline.url}/${face}/${setting.workflowId}`, headers: {} };
  const comparison = await compare(ours, other, { measure, connections });
  await baseline.stop();
  const work = `workflows.get over ${face === 'trpc' ? 'tRPC' : 'REST'}, signed in`;
  return rowOf({ work, comparedWith: bare, measure, target: 0.6 }, comparison);
}

/** Authenticated `workflows.get` over tRPC against a server that does nothing but select the same row and answer the same bytes. */
export async function trpc(setting: Setting): Promise<Row[]> {
  const ours = await getOf(trpcUrl(setting.api.url, setting), signedIn(setting));
  return [await againstBare(setting, 'trpc', ours)];
}

/** The same over REST. */
export async function rest(setting: Setting): Promise<Row[]> {
  const ours = await getOf(`${setting.api.url}/api/v1/workflows/${setting.workflowId}`, signedIn(setting));
  return [await againstBare(setting, 'rest', ours)];
}

/** Over tRPC against the same procedure behind tRPC's own Fastify adapter, with the same credential. */
export async function stock(setting: Setting): Promise<Row[]> {
  const { api, cluster } = setting;
  const ours = await getOf(trpcUrl(api.url, setting), signedIn(setting));
  const baseline = await setting.baseline('stock-trpc', [cluster.ours, api.issuer, api.secretKey]);
  const other = { ...ours, url: trpcUrl(baseline.url, setting) };
  const comparison = await compare(ours, other, { measure, connections });
  await baseline.stop();
  const about = { work: 'the same over tRPC', comparedWith: 'stock tRPC adapter', measure, target: 2.5 } as const;
  return [rowOf(about, comparison)];
}
