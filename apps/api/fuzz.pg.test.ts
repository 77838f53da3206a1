import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FuzzRequest, operationsOf, requestsOf } from './test-fuzz-requests.ts';
import { isSchema, type Schema } from './test-fuzz-values.ts';
import { judgeBy, type Seen } from './test-fuzz-verdict.ts';
import { dataDirectory, freePort, type Instance, owner, send, startInstance, textOf } from './test-process.ts';

/** Requests in flight at once, and how often that many are sent. */
const atOnce = 10;
const rounds = 520;
/** An execution may be waited for as long as 60 seconds; nothing else takes as long as this. */
const patienceMs = 70_000;
/** Hashing passwords on purpose takes long; these are asked less often. */
const slow = /^auth\.(register|login)/;

const data = dataDirectory();
let instance: Instance;

beforeAll(async () => {
  instance = startInstance({ API_PORT: String(await freePort()), DATA_DIR: data.path, LOG_LEVEL: 'warn' });
  await instance.ready();
});

afterAll(async () => {
  instance.child.kill('SIGTERM');
  await instance.ended;
  await data[Symbol.asyncDispose]();
});

type Callers = Record<FuzzRequest['caller'], Record<string, string>>;

async function signIn(): Promise<{ callers: Callers; own: string[] }> {
  const login = await send(`${instance.url}/api/v1/auth/login`, { body: owner });
  const cookie = login.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  const authorization = `Bearer ${isSchema(login.json) ? login.json.accessToken : ''}`;
  const makeKey = async (body: object): Promise<Schema> => {
    const made = await send(`${instance.url}/api/v1/auth/api-keys`, { body, headers: { authorization } });
    expect(made.status).toBe(201);
    return isSchema(made.json) ? made.json : {};
  };
  const key = await makeKey({ name: 'fuzz' });
  const reader = await makeKey({ name: 'reader', scopes: ['workflows:read'] });
  const callers = {
    key: { 'x-api-key': String(key.key) },
    reader: { authorization: `Bearer ${reader.key}` },
    session: { cookie },
    nobody: {},
    nonsense: { authorization: 'Bearer nonsense' },
  };
  return { callers, own: [String(key.id), String(reader.id)] };
}

/** Remembers the ids of what answers hold, the latest of each kind of path, so that later requests find something. */
function createMemory(own: string[]) {
  const ids = new Map<string, string[]>();
  const kindOf = (path: string) =>
    /^\/api\/v1\/(?:auth\/)?([\w-]+)/.exec(path)?.[1]?.replace('pipelines', 'workflows') ?? '';
  return {
    learn(path: string, { text, status }: Seen): void {
      if (status >= 300 || text === '') return;
      const kind = path.includes('/execute') ? 'executions' : kindOf(path);
      const known = ids.get(kind) ?? [];
      for (const [, id] of text.matchAll(/"id":"([0-9a-f-]{36})"/g)) if (id && !own.includes(id)) known.push(id);
      ids.set(kind, known.slice(-20));
    },
    fill(path: string): string {
      const known = ids.get(kindOf(path)) ?? [];
      return path.replace(
        '{known}',
        known[path.length % Math.max(1, known.length)] ?? '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f',
      );
    },
  };
}

test('thousands of requests made from the document find no 5xx, no answer its own schema rejects, and no hang', async () => {
  const { json: document } = await send(`${instance.url}/openapi.json`);
  if (!isSchema(document) || !isSchema(document.components)) throw new Error('there is no document');
  const { components } = document;
  const { callers, own } = await signIn();
  const memory = createMemory(own);
  const judge = judgeBy(document);
  const statuses = new Map<number, number>();
  const asked = new Set<string>();
  let slowest = 0;
  let count = 0;

  async function trial({ method, path, caller, headers, body, ...request }: FuzzRequest): Promise<string | undefined> {
    const filled = memory.fill(path);
    const begun = performance.now();
    const response = await fetch(instance.url + filled, {
      method,
      headers: { ...callers[caller], ...headers },
      signal: AbortSignal.timeout(patienceMs),
      ...(body === undefined ? {} : { body }),
    }).catch((error: Error) => {
      throw new Error(
        `${method} ${filled} got no answer (${error.cause ?? error})\n${instance.output().slice(-4_000)}`,
      );
    });
    const seen = { status: response.status, headers: response.headers, text: await textOf(response) };
    slowest = Math.max(slowest, performance.now() - begun);
    count += 1;
    asked.add(request.operationId);
    statuses.set(seen.status, (statuses.get(seen.status) ?? 0) + 1);
    memory.learn(filled, seen);
    const wrong = judge({ method, path, caller, headers, body, ...request }, seen);
    return (
      wrong &&
      `${method} ${filled} answered ${wrong}\n  sent ${body?.slice(0, 2_000)}\n  got ${seen.text.slice(0, 2_000)}`
    );
  }

  const operations = operationsOf(document);
  const requests = fc.oneof(
    ...operations.map((operation) => ({
      weight: slow.test(String(operation.operation.operationId)) ? 2 : 8,
      arbitrary: requestsOf(operation, components),
    })),
  );
  const seed = Date.now() % 2 ** 31;
  const begun = performance.now();
  console.log(`fuzzing ${operations.length} operations with the seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(fc.array(requests, { minLength: atOnce, maxLength: atOnce }), async (batch) => {
      const wrong = (await Promise.all(batch.map(trial))).filter((line) => line !== undefined);
      expect(wrong).toEqual([]);
    }),
    { seed, numRuns: rounds, endOnFailure: true },
  );
  const took = Math.round((performance.now() - begun) / 1_000);
  const tally = [...statuses].sort().map(([status, times]) => `${status} × ${times}`);
  console.log(`${count} requests in ${took} s, the slowest ${Math.round(slowest)} ms: ${tally.join(', ')}`);
  expect(count).toBeGreaterThanOrEqual(5_000);
  expect(asked.size).toBe(operations.length);
  expect((await send(`${instance.url}/ready`)).status).toBe(200);
}, 300_000);
