import type { Json } from '@flowplane/contract/json';
import type { Suspension } from '@flowplane/engine/node-type';
import { expect, test } from 'vitest';
import { approval } from './approval.ts';
import { forEach } from './for-each.ts';
import { context, failureOf } from './testing-context.ts';
import { waitForEvent } from './wait-for-event.ts';
import { workflowCall } from './workflow-call.ts';

const workflowId = '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f';

test('an approval asks for what its params say, with nothing left open', async () => {
  const fields = [{ name: 'how', type: 'choice', options: ['cash', 'card'] }];
  const { suspend } = await approval.run({ title: 'Sure?', fields, timeoutSeconds: 60 }, context());
  expect(suspend).toEqual({
    kind: 'approval',
    timeoutSeconds: 60,
    request: { title: 'Sure?', details: null, fields: [{ ...fields[0], required: false }] },
  } satisfies Suspension);
  expect(approval.ports({})).toEqual(['approved', 'rejected']);
});

test.each<[string, { [key: string]: Json }, string]>([
  ['no title', {}, 'params.title'],
  ['an empty title', { title: '' }, 'params.title'],
  ['a field without a name', { title: 'a', fields: [{}] }, 'params.fields.0.name'],
  ['a name that is no identifier', { title: 'a', fields: [{ name: 'a b' }] }, 'params.fields.0.name'],
  ['two fields of one name', { title: 'a', fields: [{ name: 'a' }, { name: 'a' }] }, 'different names'],
  ['a choice without options', { title: 'a', fields: [{ name: 'a', type: 'choice' }] }, 'needs options'],
  ['options of a text', { title: 'a', fields: [{ name: 'a', options: ['b'] }] }, 'needs options'],
  ['no time to decide', { title: 'a', timeoutSeconds: 0 }, 'params.timeoutSeconds'],
  ['more than a year', { title: 'a', timeoutSeconds: 40_000_000 }, 'params.timeoutSeconds'],
])('an approval with %s is refused', async (_, params, text) => {
  const failure = await failureOf(approval, params);
  expect(failure.code).toBe('invalid_params');
  expect(failure.message).toContain(text);
});

test('waitForEvent waits for a name and what the data must have', async () => {
  const { suspend } = await waitForEvent.run({ event: ' order.paid ', match: { id: 41 } }, context());
  expect(suspend).toEqual({ kind: 'event', event: 'order.paid', match: { id: 41 }, timeoutSeconds: undefined });
});

test.each<[string, { [key: string]: Json }, string]>([
  ['no event', {}, 'params.event'],
  ['a blank event', { event: '  ' }, 'params.event'],
  ['a match that is no object', { event: 'a', match: [1] }, 'params.match'],
  ['a timeout that is no number', { event: 'a', timeoutSeconds: '60' }, 'params.timeoutSeconds'],
  ['an unknown param', { event: 'a', name: 'b' }, 'name'],
])('waitForEvent with %s is refused', async (_, params, text) => {
  const failure = await failureOf(waitForEvent, params);
  expect(failure.code).toBe('invalid_params');
  expect(failure.message).toContain(text);
});

test('workflow.call starts the workflow once and waits for that execution', async () => {
  const asked: unknown[] = [];
  const call = async (request: unknown) => {
    asked.push(request);
    return 'the child';
  };
  const { suspend } = await workflowCall.run({ workflowId, input: [1] }, context({ call }));
  expect(asked).toEqual([{ workflowId, input: [1], onParentEnd: 'cancel' }]);
  expect(suspend).toEqual({ kind: 'call', childId: 'the child', timeoutSeconds: undefined });
});

test.each<[string, { [key: string]: Json }, string]>([
  ['no workflow', {}, 'params.workflowId: must be the id of a workflow'],
  ['a name for an id', { workflowId: 'orders' }, 'params.workflowId: must be the id of a workflow'],
  ['another end', { workflowId, onParentEnd: 'wait' }, 'params.onParentEnd'],
  ['no time', { workflowId, timeoutSeconds: 0.5 }, 'params.timeoutSeconds'],
])('workflow.call with %s is refused, and starts nothing', async (_, params, text) => {
  const failure = await failureOf(workflowCall, params);
  expect(failure.code).toBe('invalid_params');
  expect(failure.message).toContain(text);
});

function settingsOf(params: Json) {
  if (!forEach.loop) throw new Error('forEach is no loop');
  return forEach.loop.settings(params);
}

test('forEach goes over ten items at once and fails with the first unless told otherwise', () => {
  expect(settingsOf({ items: ['a'] })).toEqual({
    items: ['a'],
    concurrency: 10,
    onItemError: 'fail',
    maxFailures: 10_000,
  });
});

test.each<[string, Json, string]>([
  ['what is no list', { items: { a: 1 } }, 'params.items: must be a list'],
  ['no items', {}, 'params.items: must be a list'],
  ['too many items', { items: Array.from({ length: 10_001 }, () => 0) }, 'params.items: may hold at most 10000 items'],
  ['no concurrency', { items: [], concurrency: 0 }, 'params.concurrency'],
  ['too much concurrency', { items: [], concurrency: 101 }, 'params.concurrency'],
  ['another way with errors', { items: [], onItemError: 'skip' }, 'params.onItemError'],
  ['fewer failures than none', { items: [], maxFailures: -1 }, 'params.maxFailures'],
])('forEach with %s is refused', (_, params, text) => {
  expect(() => settingsOf(params)).toThrow(text);
});
