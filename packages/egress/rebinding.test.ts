import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ResolvedAddress } from './checked-lookup.ts';
import { failure, openEgress } from './test-egress.ts';
import { startServer } from './test-server.ts';

// 127.0.0.1 plays the address that passes and 127.0.0.2, on the same port, the one that must not be reached.
async function rebinding() {
  const good = await startServer((_, response) => response.end('good'), { host: '127.0.0.1' });
  const bad = await startServer((_, response) => response.end('bad'), { host: '127.0.0.2', port: good.port });
  const answers: string[] = [];
  let lookups = 0;
  const lookup = async (): Promise<ResolvedAddress[]> => {
    lookups += 1;
    return [{ address: answers.shift() ?? '127.0.0.2', family: 4 }];
  };
  const egress = openEgress({ allowPrivate: ['127.0.0.1'], lookup });
  return {
    good,
    bad,
    answers,
    lookups: () => lookups,
    fetch: egress.fetch,
    async [Symbol.asyncDispose]() {
      await egress[Symbol.asyncDispose]();
      await Promise.all([good[Symbol.asyncDispose](), bad[Symbol.asyncDispose]()]);
    },
  };
}

test('threat 18: a name that changes its address after the check is still connected to the address that was checked', async () => {
  await using setup = await rebinding();
  setup.answers.push('127.0.0.1');
  const { body } = await setup.fetch(`http://rebind.test:${setup.good.port}/`);
  expect(new TextDecoder().decode(body)).toBe('good');
  expect(setup.lookups()).toBe(1);
  expect(setup.bad.connections()).toBe(0);
});

test('threat 18: a connection kept alive stays with its checked address, and a new one is checked again', async () => {
  await using setup = await rebinding();
  setup.answers.push('127.0.0.1');
  const url = `http://rebind.test:${setup.good.port}/`;
  await setup.fetch(url);
  await setImmediate(); // undici frees a connection one turn after its response
  await setup.fetch(url);
  expect(setup.good.connections()).toBe(1);
  expect(setup.good.requests).toHaveLength(2);

  const outcomes = await Promise.allSettled([setup.fetch(url), setup.fetch(url), setup.fetch(url)]);
  const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : outcome.value.status));
  expect(codes).toContain('egress_blocked');
  expect(setup.bad.connections()).toBe(0);
});

test('threat 18: a name whose address turns private is blocked on its next connection', async () => {
  await using setup = await rebinding();
  setup.answers.push('127.0.0.2', '127.0.0.1');
  expect((await failure(setup.fetch(`http://rebind.test:${setup.good.port}/`))).code).toBe('egress_blocked');
  expect((await setup.fetch(`http://rebind.test:${setup.good.port}/`)).status).toBe(200);
  expect(setup.bad.connections()).toBe(0);
});
