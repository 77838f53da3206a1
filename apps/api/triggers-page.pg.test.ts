import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPage, type Page } from './test-page.ts';

let page: Page;

beforeAll(async () => {
  page = await openPage('triggers');
});
afterAll(() => page[Symbol.asyncDispose]());

test('every command of the page on triggers answers what the page says', async () => {
  const [, signed = '', preview = '', schedules = '', first = '', again = '', event = ''] = await page.run(
    ...page.commands,
  );
  const answers = signed.split(/(?=HTTP\/1\.1 )/);
  expect(answers.map((answer) => answer.split(' ')[1])).toEqual(['200', '200']);
  for (const answer of answers) expect(answer).toContain('"210 for 1842"');
  const [id] = answers.map((answer) => /x-execution-id: (\S+)/.exec(answer)?.[1]);
  expect(answers[1]).toContain(`x-execution-id: ${id}`);
  expect(JSON.parse(preview).nextFireTimes).toHaveLength(10);
  expect(JSON.parse(schedules)).toMatchObject({ items: [{ triggerId: 'nightly', timezone: 'Europe/Paris' }] });
  const sent = JSON.parse(first);
  expect(sent).toMatchObject({ id: 'order-1842', executions: [expect.any(String)] });
  expect(JSON.parse(again)).toEqual(sent);
  expect(JSON.parse(event)).toMatchObject({ ...sent, event: 'order.created', data: { total: 210 } });
});

test('a running instance fires schedules', async () => {
  const [signIn = ''] = page.commands;
  const call = `curl -s http://localhost:8000/api/v1`;
  const as = `-H "authorization: Bearer $TOKEN"`;
  const everySecond = signIn.replace('0 3 * * *', '* * * * * *');
  const [, fired = ''] = await page.run(
    everySecond,
    `for _ in $(seq 100); do
      FIRED=$(${call}/executions?workflowId=$ID ${as}); case "$FIRED" in *schedule:nightly*) break;; esac; sleep 0.1
    done; echo "$FIRED"`,
  );
  expect(JSON.parse(fired).items[0]).toMatchObject({ trigger: 'schedule:nightly', version: 1 });
});
